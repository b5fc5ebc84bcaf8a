import { type DataPlace, runData } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection } from "../data-input.ts";

type Result = DataPlace & { waiting: number; bytes: number; oldest?: string };

const command: Command<DataArgs, Result> = {
  args: DATA_FLAGS,
  positionals: [BINDING],
  examples: [["troupe queue peek JOBS", "How many messages wait for their consumer in the running dev"]],
  async run(args, context) {
    const { value, place } = await runData(dataSelection(args, context), "queue", args.binding, { verb: "peek" });
    return { ...place, ...(value as Omit<Result, keyof DataPlace>) };
  },
  show({ resource, waiting, bytes, oldest }, output) {
    output.line(
      `${waiting} messages (${bytes} bytes) wait in ${resource}${oldest ? `, the oldest since ${oldest}` : ""}`,
    );
  },
};

export default command;
