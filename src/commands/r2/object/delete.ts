import type { Command } from "../../command.ts";
import type { DataArgs } from "../../data-input.ts";
import command from "../delete.ts";
import { bucketAndKey, OBJECT } from "../spelling.ts";

const object: Command<DataArgs & { object: string }, Awaited<ReturnType<typeof command.run>>> = {
  args: { force: { type: "boolean", hidden: true }, ...command.args },
  positionals: [OBJECT],
  async run(args, context, emit) {
    const { binding, key } = bucketAndKey(args.object);
    return command.run({ ...args, binding, keys: [key] }, context, emit);
  },
  show: ({ deleted, resource }, output) => output.line(`${deleted.join(", ")} deleted from ${resource}`),
};

export default object;
