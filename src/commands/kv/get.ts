import { runData } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection } from "../data-input.ts";
import { type Fetched, fetched, showFetched } from "../data-output.ts";

const command: Command<DataArgs & { key: string; path?: string }, Fetched> = {
  args: { path: { type: "string", describe: "Write the value to this file" }, ...DATA_FLAGS },
  positionals: [BINDING, { name: "key", type: "string", describe: "The key" }],
  examples: [["troupe kv get CACHE greeting", "The value goes to stdout exactly as it is"]],
  async run(args, context) {
    const call = { verb: "get", args: { key: args.key } };
    const result = await runData(dataSelection(args, context), "kv", args.binding, call);
    return fetched(result, args.path, context);
  },
  show: showFetched,
};

export default command;
