import { formatBytes } from "../../lib/bytes.ts";
import { counted } from "../../lib/counted.ts";
import { type DataPlace, runData, type ShownMessage } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection } from "../data-input.ts";

type Result = DataPlace & { waiting: number; bytes: number; oldest?: string; messages: ShownMessage[] };

/** Of a message's body, on a terminal. */
const WIDTH = 100;

const command: Command<DataArgs & { limit: number }, Result> = {
  args: {
    limit: { type: "number", default: 10, describe: "Messages to show" },
    ...DATA_FLAGS,
  },
  positionals: [BINDING],
  examples: [
    ["troupe queue peek JOBS", "What waits for its consumer"],
    ["troupe queue peek jobs-dead --limit 100 --json", "Dead letters, by the queue's own name"],
  ],
  async run(args, context) {
    const call = { verb: "peek", args: { limit: args.limit } };
    const { value, place } = await runData(dataSelection(args, context), "queue", args.binding, call);
    return { ...place, ...(value as Omit<Result, keyof DataPlace>) };
  },
  show({ resource, waiting, bytes, oldest, messages }, output) {
    output.line(
      `${counted(waiting, "message")} (${formatBytes(bytes)}) ${waiting === 1 ? "waits" : "wait"} in ${resource}${oldest ? `, the oldest since ${oldest}` : ""}`,
    );
    for (const { body, attempts, sentAt, delayedUntil, delivering } of messages) {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const about = [
        ...(attempts > 0 ? [`delivered ${attempts === 1 ? "once" : `${attempts} times`}`] : []),
        ...(delivering ? ["being delivered"] : []),
        ...(delayedUntil ? [`not before ${delayedUntil}`] : []),
      ];
      const line = text.length > WIDTH ? `${text.slice(0, WIDTH)}…` : text;
      output.line(`  ${sentAt}  ${line.replace(/\s+/g, " ")}${about.length > 0 ? `  (${about.join(", ")})` : ""}`);
    }
    if (messages.length < waiting) output.note(`and ${waiting - messages.length} more (--limit)`);
  },
};

export default command;
