import { runData } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection } from "../data-input.ts";
import { type Fetched, fetched, showFetched } from "../data-output.ts";

const command: Command<DataArgs & { key: string; path?: string }, Fetched> = {
  args: { path: { type: "string", alias: ["file", "f"], describe: "Write the object to this file" }, ...DATA_FLAGS },
  positionals: [BINDING, { name: "key", type: "string", describe: "The object's key" }],
  examples: [["troupe r2 get FILES logo.png --path logo.png", "Without --path it goes to stdout"]],
  async run(args, context) {
    const call = { verb: "get", args: { key: args.key } };
    const result = await runData(dataSelection(args, context), "r2", args.binding, call);
    return fetched(result, args.path, context);
  },
  show: showFetched,
};

export default command;
