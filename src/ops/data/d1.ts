/** D1 databases. Limits: https://developers.cloudflare.com/d1/platform/limits/ */
import { TroupeError } from "../../errors.ts";
import { splitStatements } from "./sql.ts";
import type { Verb } from "./verbs.ts";

/** Bytes of one SQL statement. */
const MAX_STATEMENT = 100_000;

interface Result {
  results: Record<string, unknown>[];
  meta: { rows_read?: number; rows_written?: number; duration?: number; changes?: number };
}

interface Statement {
  all(): Promise<Result>;
  bind(...values: unknown[]): Statement;
  raw(): Promise<unknown[][]>;
}

interface Database {
  prepare(sql: string): Statement;
  batch(statements: unknown[]): Promise<Result[]>;
}

export interface StatementResult {
  sql: string;
  rows: Record<string, unknown>[];
  rowsRead: number;
  rowsWritten: number;
}

export const d1Verbs: Record<string, Verb> = {
  /** All statements of the body, as one transaction: all of them happen, or none. */
  async execute(binding, _args, body = new Uint8Array()) {
    const statements = splitStatements(Buffer.from(body).toString("utf8"));
    if (statements.length === 0) throw new TroupeError("USAGE", "There is no SQL to execute");
    for (const statement of statements) {
      const bytes = Buffer.byteLength(statement);
      if (bytes <= MAX_STATEMENT) continue;
      throw new TroupeError("USAGE", `A statement has ${bytes} bytes; at most ${MAX_STATEMENT} are allowed`, {
        notes: [`it begins ${statement.slice(0, 80)}…`, "Nothing was changed"],
      });
    }
    return { value: await runStatements(binding as Database, statements) };
  },

  /** SQL that makes the database again. */
  async export(binding, args) {
    const { tables, schema, data } = args as { tables: string[]; schema: boolean; data: boolean };
    const database = binding as Database;
    const { results } = await database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const known = results.map(({ name }) => String(name));
    const unknown = tables.find((table) => !known.includes(table));
    if (unknown !== undefined) {
      const own = known.filter((name) => !/^(sqlite_|_cf_)/.test(name));
      throw new TroupeError("NOT_FOUND", `There is no table "${unknown}"`, { notes: [`tables: ${own.join(", ")}`] });
    }
    // Miniflare's own; what Wrangler's `d1 export --local` asks for, too.
    const dump = database.prepare("PRAGMA miniflare_d1_export(?,?,?);").bind(!schema, !data, ...tables);
    const [lines = []] = await dump.raw();
    return { value: {}, bytes: Buffer.from(`${lines.join("\n")}\n`) };
  },
};

/** @throws TroupeError USAGE with the statement that failed; nothing was changed then */
async function runStatements(database: Database, statements: readonly string[]): Promise<StatementResult[]> {
  try {
    const results = await database.batch(statements.map((sql) => database.prepare(sql)));
    return results.map(({ results: rows, meta }, index) => ({
      sql: statements[index]!,
      rows,
      rowsRead: meta.rows_read ?? 0,
      rowsWritten: meta.rows_written ?? 0,
    }));
  } catch (error) {
    const reason = String((error as Error).message).replace(/^D1_ERROR: /, "");
    const culprit = statements.length === 1 ? statements[0]! : await firstFailing(database, statements);
    throw new TroupeError("USAGE", `D1: ${reason}`, {
      notes: [
        ...(culprit ? [`in: ${culprit.length > 200 ? `${culprit.slice(0, 200)}…` : culprit}`] : []),
        "Nothing was changed",
      ],
      cause: error,
    });
  }
}

/** A failed batch does not say which statement it was: the shortest failing beginning does. Nothing of it stays. */
async function firstFailing(database: Database, statements: readonly string[]): Promise<string | undefined> {
  // Each probe ends in a statement that fails, so that the batch is rolled back whatever comes before it.
  const rollback = "SELECT troupe_roll_back()";
  for (let count = 1; count <= statements.length; count++) {
    try {
      await database.batch([...statements.slice(0, count), rollback].map((sql) => database.prepare(sql)));
    } catch (error) {
      if (!String((error as Error).message).includes("troupe_roll_back")) return statements[count - 1];
    }
  }
  return undefined;
}
