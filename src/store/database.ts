/** Opens the store's SQLite file, brings its schema up to date, and runs transactions. */
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { TroupeError } from "../errors.ts";
import { MIGRATIONS } from "./schema.ts";

/** How long a writer waits for another one, in ms. Twenty deploys at once queue up well within it. */
const BUSY_TIMEOUT = 30_000;

/**
 * @throws TroupeError STORE when the file is no store, is damaged, cannot be written, or was written by a newer troupe
 */
export function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT });
    useWriteAheadLog(database);
    database.exec("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
    migrate(database, file);
    return database;
  } catch (error) {
    database?.close();
    const readable = isReadOnly(error) ? openReadOnly(file) : undefined;
    if (readable) return readable;
    throw storeError(error, file);
  }
}

/** Of several processes that open a new store at once, one switches it over; SQLite has the others fail instead of wait. */
function useWriteAheadLog(database: DatabaseSync): void {
  const until = Date.now() + BUSY_TIMEOUT;
  for (;;) {
    try {
      database.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      const isBusy = ((error as { errcode?: number }).errcode ?? 0) % 256 === 5;
      if (!isBusy || Date.now() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Not writable, or in a folder that is not. https://www.sqlite.org/rescode.html */
function isReadOnly(error: unknown): boolean {
  return [8, 14].includes(((error as { errcode?: number }).errcode ?? 0) & 0xff);
}

/**
 * A store that may only be read can be looked at all the same; what would change it fails then.
 * Nobody writes to it meanwhile, so it needs no lock files: https://www.sqlite.org/wal.html#readonly
 */
function openReadOnly(file: string): DatabaseSync | undefined {
  if (!existsSync(file)) return undefined;
  const url = pathToFileURL(file);
  if (!existsSync(`${file}-wal`)) url.searchParams.set("immutable", "1");
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(url, { readOnly: true });
    const { user_version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
    if (user_version === MIGRATIONS.length) return database;
  } catch {
    // The reason why it cannot be written says more.
  }
  database?.close();
  return undefined;
}

function migrate(database: DatabaseSync, file: string): void {
  const version = () => (database.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
  if (version() > MIGRATIONS.length) {
    throw new TroupeError(
      "STORE",
      `The store ${file} was written by a newer troupe (schema ${version()}, this one knows ${MIGRATIONS.length})`,
      {
        notes: ["Update troupe, or use another --state-dir"],
      },
    );
  }
  if (version() === MIGRATIONS.length) return;
  transaction(database, () => {
    // Another process may have migrated while this one waited for the lock.
    for (let step = version(); step < MIGRATIONS.length; step++) {
      database.exec(MIGRATIONS[step]!);
      database.exec(`PRAGMA user_version = ${step + 1}`);
    }
  });
}

/**
 * Runs `work` in one write transaction; all of it happens, or nothing. Nested calls join the outer one.
 * @throws what `work` throws, after rolling back
 */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  if (database.isTransaction) return work();
  // IMMEDIATE: take the write lock first, so that what is read inside is still true when it is written.
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** SQLite's own errors in words that say what to do. https://www.sqlite.org/rescode.html */
export function storeError(error: unknown, file: string): unknown {
  if (error instanceof TroupeError) return error;
  const code = (error as { errcode?: number }).errcode;
  if (code === undefined) return error;
  const [message, note] = {
    5: ["is locked by another process", "Try again; if it stays locked, look for a hanging troupe"],
    8: ["cannot be written", "Check the permissions of the folder, or use another --state-dir"],
    10: ["could not be read or written (I/O error)", "Check the disk"],
    11: ["is damaged", "Restore it from a backup; nothing was changed"],
    13: ["could not be written: the disk is full", "Free some space and run the command again; nothing was changed"],
    14: ["cannot be opened", "Check that the folder exists and may be written, or use another --state-dir"],
    26: ["is not a troupe store", "Move the file away, or use another --state-dir"],
  }[code & 0xff] ?? [`failed: ${(error as Error).message}`, "Run again with --verbose for details"];
  return new TroupeError("STORE", `The store ${file} ${message}`, { notes: [note!], cause: error });
}
