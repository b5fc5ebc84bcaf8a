import { type DataPlace, runData, type StatementResult } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection, readValue, showPlace } from "../data-input.ts";

const command: Command<DataArgs & { command?: string; file?: string }, DataPlace & { results: StatementResult[] }> = {
  args: {
    command: { type: "string", describe: "SQL to execute" },
    file: { type: "string", describe: "Execute the SQL of this file" },
    ...DATA_FLAGS,
  },
  positionals: [BINDING],
  examples: [
    ['troupe d1 execute DB --command "SELECT * FROM users"', "Rows as a table"],
    ["troupe d1 execute DB --file seed.sql -e staging", "All of it happens, or nothing"],
  ],
  async run(args, context) {
    const body = await readValue({ value: args.command, path: args.file }, context);
    const { value, place } = await runData(dataSelection(args, context), "d1", args.binding, { verb: "execute", body });
    return { ...place, results: value as StatementResult[] };
  },
  show(result, output) {
    showPlace(output, result);
    for (const { rows, rowsWritten, sql } of result.results) {
      const [first] = rows;
      if (first)
        output.table(
          Object.keys(first),
          rows.map((row) => Object.values(row).map(String)),
        );
      else output.line(output.style.dim(`${sql.split("\n", 1)[0]}: ${rowsWritten} rows written`));
    }
  },
};

export default command;
