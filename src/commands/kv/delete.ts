import { type DataPlace, runData } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection } from "../data-input.ts";

const command: Command<DataArgs & { keys: string[] }, DataPlace & { deleted: string[] }> = {
  args: DATA_FLAGS,
  positionals: [BINDING, { name: "keys", type: "string", array: true, describe: "The keys" }],
  async run(args, context) {
    const call = { verb: "delete", args: { keys: args.keys } };
    const { value, place } = await runData(dataSelection(args, context), "kv", args.binding, call);
    return { ...place, ...(value as { deleted: string[] }) };
  },
  show: ({ deleted, resource }, output) => output.line(`${deleted.join(", ")} deleted from ${resource}`),
};

export default command;
