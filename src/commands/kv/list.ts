import { type DataPlace, runData } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection, showPlace } from "../data-input.ts";

interface Result extends DataPlace {
  keys: { name: string; expiration?: number; metadata?: unknown }[];
}

const command: Command<DataArgs & { prefix?: string; limit?: number }, Result> = {
  args: {
    prefix: { type: "string", describe: "Only keys that start with this" },
    limit: { type: "number", describe: "At most so many" },
    ...DATA_FLAGS,
  },
  positionals: [BINDING],
  examples: [["troupe kv list CACHE --prefix user:", "Works while dev is running, and when it is not"]],
  async run(args, context) {
    const { prefix, limit } = args;
    const { value, place } = await runData(dataSelection(args, context), "kv", args.binding, {
      verb: "list",
      args: { prefix, limit },
    });
    return { ...place, keys: value as Result["keys"] };
  },
  show(result, output) {
    showPlace(output, result);
    for (const { name, metadata } of result.keys) {
      output.line(metadata == null ? name : `${name}  ${output.style.dim(JSON.stringify(metadata))}`);
    }
  },
};

export default command;
