import { type DataPlace, runData } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection, readValue } from "../data-input.ts";

const command: Command<DataArgs & { file?: string }, DataPlace & { imported: number }> = {
  args: DATA_FLAGS,
  positionals: [
    BINDING,
    { name: "file", type: "string", describe: "A file as `kv export` writes it; left out: stdin" },
  ],
  examples: [["troupe kv import CACHE cache.json", "All of it is checked before anything is written"]],
  async run(args, context) {
    const body = await readValue({ path: args.file }, context);
    const call = { verb: "import", body };
    const { value, place } = await runData(dataSelection(args, context), "kv", args.binding, call);
    return { ...place, ...(value as { imported: number }) };
  },
  show: ({ imported, resource }, output) => output.line(`${imported} keys → ${resource}`),
};

export default command;
