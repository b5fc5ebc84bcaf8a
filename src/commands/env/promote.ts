import { promoteEnvironment } from "../../ops/environments.ts";
import type { Command } from "../command.ts";
import {
  ALLOW_DATA_LOSS,
  type Change,
  type ChangeArgs,
  DRY_RUN,
  GRAPH,
  MESSAGE,
  showChanges,
  verbOptions,
} from "../target-input.ts";

const command: Command<ChangeArgs & { from: string; to?: string }, { deployments: Change[] }> = {
  args: { graph: GRAPH, message: MESSAGE, "dry-run": DRY_RUN, "allow-data-loss": ALLOW_DATA_LOSS },
  positionals: [
    { name: "from", type: "string", names: "env", describe: "The environment whose active version is promoted" },
    { name: "to", type: "string", names: "env", describe: "Where to (default: the next stage of the pipeline)" },
  ],
  examples: [
    ["troupe env promote staging production --dry-run", "What would change"],
    ["troupe env promote staging --graph", "The next stage, with everything it binds, as one operation"],
  ],
  async run(args, context) {
    const { results, warnings } = await promoteEnvironment(verbOptions(args, context), args.from, args.to);
    for (const warning of warnings) context.report(warning);
    return { deployments: results };
  },
  show: ({ deployments }, output, { dryRun }) => showChanges(deployments, output, dryRun),
};

export default command;
