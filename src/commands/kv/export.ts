import { runData } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection } from "../data-input.ts";

const command: Command<DataArgs & { prefix?: string }, unknown> = {
  args: { prefix: { type: "string", describe: "Only keys that start with this" }, ...DATA_FLAGS },
  positionals: [BINDING],
  examples: [["troupe kv export CACHE > cache.json", "What `kv import` and `wrangler kv bulk put` read"]],
  async run(args, context) {
    const call = { verb: "export", args: { prefix: args.prefix } };
    const { value } = await runData(dataSelection(args, context), "kv", args.binding, call);
    return value;
  },
  show: (entries, output) => output.line(JSON.stringify(entries, null, 2)),
};

export default command;
