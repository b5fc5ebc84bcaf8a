import { runData } from "../../../ops/data/index.ts";
import type { Command } from "../../command.ts";
import { DATA_FLAGS, type DataArgs, dataSelection } from "../../data-input.ts";
import { keysIn, withNamespaceFlag } from "../spelling.ts";

/** By key; `null` for one that is not there. */
type Values = Record<string, { value: string | null }>;

const command: Command<DataArgs & { file: string }, Values> = {
  args: DATA_FLAGS,
  positionals: [{ name: "file", type: "string", describe: "A list of keys, as JSON" }],
  async run(args, context) {
    const keys = await keysIn(args.file, context);
    const call = { verb: "getMany", args: { keys } };
    const { value } = await runData(dataSelection(args, context), "kv", args.binding, call);
    return value as Values;
  },
  show: (values, output) => output.line(JSON.stringify(values, null, 2)),
};

export default withNamespaceFlag(command);
