import { counted } from "../../../lib/counted.ts";
import type { Command } from "../../command.ts";
import type { DataArgs } from "../../data-input.ts";
import command from "../delete.ts";
import { keysIn, withNamespaceFlag } from "../spelling.ts";

const bulk: Command<DataArgs & { file: string }, Awaited<ReturnType<typeof command.run>>> = {
  args: { force: { alias: "f", type: "boolean", hidden: true }, ...command.args },
  positionals: [{ name: "file", type: "string", describe: "A list of keys, as JSON" }],
  run: async (args, context, emit) => command.run({ ...args, keys: await keysIn(args.file, context) }, context, emit),
  show: ({ deleted, resource }, output) => output.line(`${counted(deleted.length, "key")} deleted from ${resource}`),
};

export default withNamespaceFlag(bulk);
