import { type DataPlace, runData } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection, showPlace } from "../data-input.ts";

interface Result extends DataPlace {
  objects: { key: string; size: number; etag: string; uploaded: string }[];
}

const command: Command<DataArgs & { prefix?: string; limit?: number }, Result> = {
  args: {
    prefix: { type: "string", describe: "Only objects whose key starts with this" },
    limit: { type: "number", describe: "At most so many" },
    ...DATA_FLAGS,
  },
  positionals: [BINDING],
  async run(args, context) {
    const { prefix, limit } = args;
    const call = { verb: "list", args: { prefix, limit } };
    const { value, place } = await runData(dataSelection(args, context), "r2", args.binding, call);
    return { ...place, objects: value as Result["objects"] };
  },
  show(result, output) {
    showPlace(output, result);
    for (const { key, size } of result.objects) output.line(`${key}  ${output.style.dim(`${size} bytes`)}`);
  },
};

export default command;
