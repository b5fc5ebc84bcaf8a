import path from "node:path";
import type { Options } from "yargs";
import { type TypesResult, writeTypes } from "../ops/types/index.ts";
import type { Command } from "./command.ts";

/** Names are those of `wrangler types`. */
const args = {
  check: { type: "boolean", describe: "Write nothing; fail (6) when a file is out of date" },
  "include-env": { type: "boolean", default: true, describe: "Types of env" },
  "include-runtime": { type: "boolean", default: true, describe: "Types of the runtime" },
  "include-main-module": {
    type: "boolean",
    default: true,
    describe: "Types of ctx.exports, from the service's source",
  },
  "strict-vars": { type: "boolean", default: true, describe: "Type variables by their values" },
  "env-interface": { type: "string", default: "Env", describe: "Name of the interface of env" },
  "env-file": {
    type: "string",
    array: true,
    describe: "Read local variables from these files instead of .dev.vars and .env",
  },
} satisfies Record<string, Options>;

interface TypesArgs {
  path?: string;
  check?: boolean;
  includeEnv: boolean;
  includeRuntime: boolean;
  includeMainModule: boolean;
  strictVars: boolean;
  envInterface: string;
  envFile?: string[];
}

const command: Command<TypesArgs, Omit<TypesResult, "warnings">> = {
  args,
  positionals: [
    { name: "path", type: "string", describe: "File to write (default: worker-configuration.d.ts beside each config)" },
  ],
  examples: [
    ["troupe types", "Every service here, over all its environments"],
    ["troupe types --check", "For CI: are the files up to date?"],
  ],
  async run(given, context) {
    const { warnings, files } = await writeTypes({
      ...given,
      envFiles: given.envFile,
      cwd: context.cwd,
      processEnv: context.env,
      signal: context.signal,
    });
    for (const warning of warnings) context.report(warning);
    return { files };
  },
  show({ files }, output, { check }) {
    const { style } = output;
    for (const file of files) {
      const state = check ? "up to date" : file.state;
      const shown = file.state === "written" ? style.green(state) : style.dim(state);
      output.line(`${style.bold(file.service)} ${path.basename(file.path)} ${shown}`);
    }
  },
};

export default command;
