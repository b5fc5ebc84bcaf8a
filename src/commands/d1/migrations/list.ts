import { listMigrations, type MigrationList } from "../../../ops/data/index.ts";
import type { Command } from "../../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection, showPlace } from "../../data-input.ts";

const command: Command<DataArgs, MigrationList> = {
  args: DATA_FLAGS,
  positionals: [BINDING],
  run: (args, context) => listMigrations(dataSelection(args, context), args.binding),
  show({ place, applied, pending }, output) {
    showPlace(output, place);
    for (const file of applied) output.line(`${output.style.green("applied")}  ${file}`);
    for (const file of pending) output.line(`${output.style.yellow("pending")}  ${file}`);
    if (applied.length + pending.length === 0) output.line("no migrations");
  },
};

export default command;
