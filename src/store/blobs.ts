/** Content-addressed blobs: equal bytes are stored once, compressed, however many versions hold them. */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { gunzipSync, gzipSync } from "node:zlib";
import { TroupeError } from "../errors.ts";

/** SHA-256, hex. */
export function hashOf(contents: Uint8Array): string {
  return createHash("sha256").update(contents).digest("hex");
}

/** @returns the blob's hash (SHA-256, hex) */
export function putBlob(database: DatabaseSync, contents: Uint8Array): string {
  const hash = hashOf(contents);
  if (database.prepare("SELECT 1 FROM blobs WHERE hash = ?").get(hash)) return hash;
  const packed = gzipSync(contents);
  const [encoding, data] = packed.byteLength < contents.byteLength ? ["gzip", packed] : ["raw", contents];
  database
    .prepare("INSERT INTO blobs (hash, size, encoding, data) VALUES (?, ?, ?, ?)")
    .run(hash, contents.byteLength, encoding as string, data as Uint8Array);
  return hash;
}

/** Puts right what is stored under the hash of these contents, if it is damaged. What is not stored stays so. */
export function mendBlob(database: DatabaseSync, contents: Uint8Array): void {
  const hash = hashOf(contents);
  if (!database.prepare("SELECT 1 FROM blobs WHERE hash = ?").get(hash)) return;
  try {
    getBlob(database, hash, "");
  } catch {
    database.prepare("UPDATE blobs SET encoding = 'raw', data = ? WHERE hash = ?").run(contents, hash);
  }
}

/** Bytes, uncompressed; 0 when it is missing. */
export function blobSize(database: DatabaseSync, hash: string): number {
  const row = database.prepare("SELECT size FROM blobs WHERE hash = ?").get(hash) as { size: number } | undefined;
  return row?.size ?? 0;
}

/** @throws TroupeError STORE when the blob is missing or its bytes are not those that were stored */
export function getBlob(database: DatabaseSync, hash: string, what: string): Uint8Array {
  const row = database.prepare("SELECT encoding, data FROM blobs WHERE hash = ?").get(hash) as
    | { encoding: string; data: Uint8Array }
    | undefined;
  const damaged = (why: string) =>
    new TroupeError("STORE", `${what}: blob ${hash} ${why}`, {
      notes: ["Deploy that version again from source, or restore the store from a backup"],
    });
  if (!row) throw damaged("is missing from the store");
  let contents: Uint8Array;
  try {
    contents = row.encoding === "gzip" ? gunzipSync(row.data) : row.data;
  } catch {
    throw damaged("is damaged");
  }
  if (hashOf(contents) !== hash) throw damaged("is damaged");
  return contents;
}

/** Removes blobs that no version holds any more. @returns how many */
export function sweepBlobs(database: DatabaseSync): number {
  return Number(database.prepare("DELETE FROM blobs WHERE hash NOT IN (SELECT hash FROM version_blobs)").run().changes);
}
