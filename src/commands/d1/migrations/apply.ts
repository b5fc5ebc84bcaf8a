import { applyMigrations, type MigrationList } from "../../../ops/data/index.ts";
import type { Command } from "../../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection } from "../../data-input.ts";

const command: Command<DataArgs, MigrationList & { now: string[] }> = {
  args: DATA_FLAGS,
  positionals: [BINDING],
  examples: [["troupe d1 migrations apply DB -e staging", "What is pending, one file after another"]],
  run(args, context) {
    const progress = (file: string) => {
      if (context.stderr.isTTY && !context.json) context.stderr.write(`applied ${file}\n`);
    };
    return applyMigrations(dataSelection(args, context), args.binding, progress);
  },
  show({ now, place }, output) {
    output.line(now.length === 0 ? `${place.resource} is up to date` : `${now.join(", ")} → ${place.resource}`);
  },
};

export default command;
