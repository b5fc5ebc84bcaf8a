import path from "node:path";
import { formatBytes } from "../../lib/bytes.ts";
import { counted } from "../../lib/counted.ts";
import { type BulkResult, importBucket } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection, progressLine } from "../data-input.ts";

const command: Command<DataArgs & { folder: string; prefix?: string }, BulkResult> = {
  args: { prefix: { type: "string", describe: "Put this before every key" }, ...DATA_FLAGS },
  positionals: [BINDING, { name: "folder", type: "string", describe: "Folder to read" }],
  run(args, context) {
    const folder = path.resolve(context.cwd, args.folder);
    const options = { folder, prefix: args.prefix, progress: progressLine(context, "objects") };
    return importBucket(dataSelection(args, context), args.binding, options);
  },
  show: ({ objects, bytes, place, folder }, output) =>
    output.line(`${counted(objects, "object")} (${formatBytes(bytes)}): ${place.resource} ← ${folder}`),
};

export default command;
