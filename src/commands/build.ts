import { formatBytes } from "../lib/bytes.ts";
import { type BuildReport, buildServices } from "../ops/build.ts";
import type { Command } from "./command.ts";

interface Args {
  out?: string;
  minify?: boolean;
}

const command: Command<Args, Pick<BuildReport, "services">> = {
  args: {
    out: {
      type: "string",
      describe: "Folder to write to; each service gets a folder of its name in it",
      default: "dist",
    },
    minify: { type: "boolean", describe: "Minify the code" },
  },
  examples: [
    ["troupe build", "Bundle the service here, or all of the workspace, into dist/"],
    ["troupe build -e staging --out build --json", "Another environment, another folder, for a program"],
  ],
  async run(args, context) {
    const report = await buildServices({
      cwd: context.cwd,
      config: args.config,
      env: args.env,
      service: args.service,
      processEnv: context.env,
      outDir: args.out,
      ...(args.minify !== undefined && { overrides: { minify: args.minify } }),
      signal: context.signal,
      onCommandOutput: (service, line) => {
        if (!context.json) context.stderr.write(`[${service}] ${line}\n`);
      },
    });
    for (const warning of report.warnings) context.report(warning);
    return { services: report.services };
  },
  show({ services }, output) {
    const { style } = output;
    for (const { service, environment, format, mainModule, modules, contentHash, size, outDir } of services) {
      output.line(`${style.bold(service)}${style.dim(`@${environment}`)}  ${format}, ${formatBytes(size)}`);
      output.table(
        ["MODULE", "TYPE", "SIZE"],
        modules.map(({ name, type, size }) => [name === mainModule ? `${name} (main)` : name, type, formatBytes(size)]),
      );
      output.line(`${style.dim("content hash")} ${contentHash}`);
      output.line(`${style.dim("written to")} ${output.path(outDir)}`);
      output.line();
    }
  },
};

export default command;
