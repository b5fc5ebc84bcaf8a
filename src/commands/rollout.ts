import { TroupeError } from "../errors.ts";
import { rollout } from "../ops/environments.ts";
import type { Command } from "./command.ts";
import { type Change, type ChangeArgs, DRY_RUN, GRAPH, MESSAGE, showChanges, verbOptions } from "./target-input.ts";

const command: Command<ChangeArgs & { share: string }, { deployments: Change[] }> = {
  args: { graph: GRAPH, message: MESSAGE, "dry-run": DRY_RUN },
  positionals: [
    {
      name: "share",
      type: "string",
      describe: "Per cent of the traffic for the newer version; complete: all of it; abort: none",
    },
  ],
  examples: [
    ["troupe deploy -t cloudflare --percentage 10", "A new version for a tenth of the traffic"],
    ["troupe rollout 50 -t cloudflare", "For half of it"],
    ["troupe rollout complete -t cloudflare", "For everybody; crons and routes follow now"],
    ["troupe rollout abort -t cloudflare", "Back to the older one"],
  ],
  async run(args, context) {
    const { results, warnings } = await rollout(verbOptions(args, context), percentageOf(args.share));
    for (const warning of warnings) context.report(warning);
    return { deployments: results };
  },
  show: ({ deployments }, output, { dryRun }) => showChanges(deployments, output, dryRun),
};

/** @throws TroupeError USAGE */
function percentageOf(share: string): number {
  if (share === "complete") return 100;
  if (share === "abort") return 0;
  const number = /^\d+(\.\d+)?%?$/.test(share) ? Number.parseFloat(share) : Number.NaN;
  if (number > 0 && number < 100) return number;
  throw new TroupeError("USAGE", `"${share}" is no share: say a number between 0 and 100, complete, or abort`);
}

export default command;
