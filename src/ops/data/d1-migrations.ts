/**
 * D1 migrations: the same files (`migrations/0001_name.sql`) and table (`d1_migrations`) as Wrangler's.
 * https://developers.cloudflare.com/d1/reference/migrations/
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { TroupeError } from "../../errors.ts";
import type { DataConnection, DataSelection } from "./connect.ts";
import type { StatementResult } from "./d1.ts";
import { type DataPlace, placeOf, withData } from "./index.ts";

export interface MigrationList {
  place: DataPlace;
  /** Folder of the files, absolute. */
  folder: string;
  applied: string[];
  pending: string[];
}

/** Which migrations were applied, and which were not yet. */
export function listMigrations(selection: DataSelection, name: string): Promise<MigrationList> {
  return withData(selection, "d1", name, (connection) => read(connection));
}

/**
 * Makes the next, empty migration file.
 * @returns its absolute path
 */
export function createMigration(
  selection: DataSelection,
  name: string,
  message: string,
): Promise<{ place: DataPlace; file: string }> {
  return withData(selection, "d1", name, async (connection) => {
    const { folder } = settingsOf(connection);
    await mkdir(folder, { recursive: true });
    const last = (await files(folder))
      .map((file) => Number.parseInt(file, 10))
      .filter(Number.isFinite)
      .sort((a, b) => a - b)
      .at(-1);
    const number = String((last ?? 0) + 1).padStart(4, "0");
    const words = message.trim().replace(/[^\p{L}\p{N}_-]+/gu, "_");
    const file = path.join(folder, `${number}_${words}.sql`);
    await writeFile(file, `-- Migration number: ${number} \t ${new Date().toISOString()}\n`, { flag: "wx" });
    return { place: placeOf(connection), file };
  });
}

/**
 * Applies what is pending, one file after another, each as one transaction together with its row in the table. Stops at the
 * first that fails.
 * @param progress is told each file that was applied
 * @throws TroupeError USAGE with the statement that failed and what was applied before it
 */
export function applyMigrations(
  selection: DataSelection,
  name: string,
  progress: (file: string) => void,
): Promise<MigrationList & { now: string[] }> {
  return withData(selection, "d1", name, async (connection) => {
    const list = await read(connection);
    const { table } = settingsOf(connection);
    const now: string[] = [];
    for (const file of list.pending) {
      const sql = await readFile(path.join(list.folder, file), "utf8");
      try {
        await execute(
          connection,
          `${sql}\n;INSERT INTO ${quoted(table)} (name) VALUES ('${file.replaceAll("'", "''")}');`,
        );
      } catch (error) {
        if (!(error instanceof TroupeError)) throw error;
        const before = now.length > 0 ? `Applied before it: ${now.join(", ")}` : "Nothing was applied";
        throw new TroupeError(error.code, `Migration ${file}: ${error.message}`, {
          notes: [...error.notes, before],
          cause: error,
        });
      }
      now.push(file);
      progress(file);
    }
    return { ...list, applied: [...list.applied, ...now], pending: list.pending.slice(now.length), now };
  });
}

async function read(connection: DataConnection): Promise<MigrationList> {
  const { folder, table } = settingsOf(connection);
  const created = `CREATE TABLE IF NOT EXISTS ${quoted(table)}(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT UNIQUE,
    applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
  )`;
  const results = await execute(connection, `${created}; SELECT name FROM ${quoted(table)} ORDER BY id;`);
  const applied = results.at(-1)!.rows.map((row) => String(row.name));
  const pending = (await files(folder)).filter((file) => !applied.includes(file));
  return { place: placeOf(connection), folder, applied, pending };
}

async function execute(connection: DataConnection, sql: string): Promise<StatementResult[]> {
  const { value } = await connection.run("execute", {}, Buffer.from(sql));
  return value as StatementResult[];
}

function settingsOf({ environment, binding }: DataConnection): { folder: string; table: string } {
  const { migrations_dir = "migrations", migrations_table = "d1_migrations" } = binding.entry as {
    migrations_dir?: string;
    migrations_table?: string;
  };
  return { folder: path.resolve(environment.dir, migrations_dir), table: migrations_table };
}

/** In order of their numbers, then of their names. */
async function files(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .filter((name) => name.endsWith(".sql"))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || a.localeCompare(b));
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
