import { rollback } from "../ops/environments.ts";
import type { Command } from "./command.ts";
import { type Change, type ChangeArgs, DRY_RUN, MESSAGE, showChanges, verbOptions } from "./target-input.ts";

const command: Command<ChangeArgs & { version?: number }, { deployments: Change[] }> = {
  args: { message: MESSAGE, "dry-run": DRY_RUN },
  positionals: [{ name: "version", type: "number", describe: "Its number (default: the one that was active before)" }],
  examples: [
    ["troupe rollback", "Back to the version that was active before, with its variables and secrets"],
    ["troupe rollback 12 -e staging -s auth", "To a version of one environment"],
  ],
  async run(args, context) {
    const { results, warnings } = await rollback(verbOptions(args, context), args.version);
    for (const warning of warnings) context.report(warning);
    return { deployments: results };
  },
  show: ({ deployments }, output, { dryRun }) => showChanges(deployments, output, dryRun),
};

export default command;
