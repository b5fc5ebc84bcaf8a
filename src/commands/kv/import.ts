import { counted } from "../../lib/counted.ts";
import { type DataPlace, importKeys } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection, progressLine, readValue } from "../data-input.ts";

const command: Command<DataArgs & { file?: string }, DataPlace & { imported: number }> = {
  args: DATA_FLAGS,
  positionals: [
    BINDING,
    { name: "file", type: "string", describe: "A file as `kv export` writes it; left out: stdin" },
  ],
  examples: [["troupe kv import CACHE cache.json", "All of it is checked before anything is written"]],
  async run(args, context) {
    const body = await readValue({ path: args.file }, context);
    const options = { body, progress: progressLine(context, "keys") };
    const { place, imported } = await importKeys(dataSelection(args, context), args.binding, options);
    return { ...place, imported };
  },
  show: ({ imported, resource }, output) => output.line(`${counted(imported, "key")} → ${resource}`),
};

export default command;
