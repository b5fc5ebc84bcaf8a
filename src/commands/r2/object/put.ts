import { formatBytes } from "../../../lib/bytes.ts";
import type { Command } from "../../command.ts";
import type { DataArgs } from "../../data-input.ts";
import command from "../put.ts";
import { bucketAndKey, OBJECT } from "../spelling.ts";

const object: Command<DataArgs & { object: string; path?: string }, Awaited<ReturnType<typeof command.run>>> = {
  args: {
    ...command.args,
    // Without --file it comes from stdin, anyway.
    pipe: { alias: "p", type: "boolean", hidden: true },
    force: { type: "boolean", hidden: true },
  },
  positionals: [OBJECT],
  run: async (args, context, emit) => command.run({ ...args, ...bucketAndKey(args.object) }, context, emit),
  show: ({ key, size, resource }, output) => output.line(`${key} (${formatBytes(size)}) → ${resource}`),
};

export default object;
