import { createMigration, type DataPlace } from "../../../ops/data/index.ts";
import type { Command } from "../../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection } from "../../data-input.ts";

const command: Command<DataArgs & { message: string }, { place: DataPlace; file: string }> = {
  args: DATA_FLAGS,
  positionals: [BINDING, { name: "message", type: "string", describe: "What it does, in a few words" }],
  examples: [['troupe d1 migrations create DB "add users"', "migrations/0001_add_users.sql"]],
  run: (args, context) => createMigration(dataSelection(args, context), args.binding, args.message),
  show: ({ file }, output) => output.line(file),
};

export default command;
