import { type DataPlace, runData } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection } from "../data-input.ts";

const command: Command<
  DataArgs & { messages: string[]; asJson?: boolean; delay?: number },
  DataPlace & { sent: number }
> = {
  args: {
    "as-json": { type: "boolean", describe: "The messages are JSON (default: text)" },
    delay: { type: "number", describe: "Seconds until they are delivered" },
    ...DATA_FLAGS,
  },
  positionals: [BINDING, { name: "messages", type: "string", array: true, describe: "The messages" }],
  examples: [["troupe queue send JOBS '{\"id\":1}' --as-json", "To the consumer in the running dev"]],
  async run(args, context) {
    const { messages, asJson, delay } = args;
    const call = { verb: "send", args: { messages, json: asJson, delay } };
    const { value, place } = await runData(dataSelection(args, context), "queue", args.binding, call);
    return { ...place, ...(value as { sent: number }) };
  },
  show: ({ sent, resource }, output) => output.line(`${sent} sent to ${resource}`),
};

export default command;
