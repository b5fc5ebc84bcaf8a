import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { formatBytes } from "../../lib/bytes.ts";
import { type DataPlace, runData } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection } from "../data-input.ts";

interface ExportArgs extends DataArgs {
  output?: string;
  table?: string[];
  schema: boolean;
  data: boolean;
}

interface Exported extends DataPlace {
  /** Absent when it was written to `path`. */
  sql?: string;
  path?: string;
  /** In bytes. */
  size: number;
}

/** Flags are those of `wrangler d1 export`. */
const command: Command<ExportArgs, Exported> = {
  args: {
    output: { type: "string", describe: "File to write (default: stdout)" },
    table: { type: "string", array: true, describe: "Only this table; repeatable" },
    schema: { type: "boolean", default: true, describe: "How the tables are made (--no-schema: leave it out)" },
    data: { type: "boolean", default: true, describe: "What is in them (--no-data: leave it out)" },
    "skip-confirmation": { type: "boolean", hidden: true },
    ...DATA_FLAGS,
  },
  positionals: [BINDING],
  examples: [
    ["troupe d1 export DB --output backup.sql", "All of it, as SQL that `d1 execute --file` takes"],
    ["troupe d1 export DB --table users --no-data", "How one table is made"],
  ],
  async run(args, context) {
    const { table: tables = [], schema, data } = args;
    const call = { verb: "export", args: { tables, schema, data } };
    const { bytes = new Uint8Array(), place } = await runData(dataSelection(args, context), "d1", args.binding, call);
    const result = { ...place, size: bytes.byteLength };
    if (args.output === undefined) return { ...result, sql: Buffer.from(bytes).toString("utf8") };
    const file = path.resolve(context.cwd, args.output);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
    return { ...result, path: file };
  },
  show({ sql, path: file, size, resource }, output) {
    if (sql !== undefined) output.bytes(Buffer.from(sql));
    else output.line(`${resource} (${formatBytes(size)}) → ${output.path(file!)}`);
  },
};

export default command;
