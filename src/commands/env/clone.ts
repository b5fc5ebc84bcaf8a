import { TroupeError } from "../../errors.ts";
import { cloneEnvironment } from "../../ops/environments.ts";
import type { Command } from "../command.ts";
import { type Change, type ChangeArgs, DRY_RUN, GRAPH, MESSAGE, showChanges, verbOptions } from "../target-input.ts";

interface Args extends ChangeArgs {
  from: string;
  to: string;
  data?: "fresh" | "copy" | "share";
  secretsFile?: string;
}

const command: Command<Args, { environments: Change[] }> = {
  args: {
    graph: GRAPH,
    data: {
      choices: ["fresh", "copy", "share"],
      default: "fresh",
      describe: "Its resources: empty ones of its own, copies, or those of the first",
    },
    "secrets-file": {
      type: "string",
      describe: "Values for its secrets (JSON, or lines of NAME=value); Cloudflare does not tell those of the first",
    },
    message: MESSAGE,
    "dry-run": DRY_RUN,
  },
  positionals: [
    { name: "from", type: "string", names: "env", describe: "The environment to clone" },
    { name: "to", type: "string", describe: "The name of the new one" },
  ],
  examples: [["troupe env clone staging pr-7 --graph", "The same code, settings and secrets, and data of its own"]],
  async run(args, context) {
    if (args.from === args.to) throw new TroupeError("USAGE", "A clone needs a name of its own");
    const options = {
      ...verbOptions(args, context),
      data: args.data ?? "fresh",
      ...(args.secretsFile !== undefined && { secretsFile: args.secretsFile }),
    };
    const { results, warnings } = await cloneEnvironment(options, args.from, args.to);
    for (const warning of warnings) context.report(warning);
    return { environments: results };
  },
  show: ({ environments }, output, { dryRun }) => showChanges(environments, output, dryRun),
};

export default command;
