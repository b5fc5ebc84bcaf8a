/** Rows of `secrets`: sealed values per environment. Every put is a new revision; old ones stay for rollback. */
import type { DatabaseSync } from "node:sqlite";
import { seal, unseal, valueFingerprint } from "./keys.ts";

export interface SecretRecord {
  name: string;
  /** Revision id. */
  revision: number;
  /** Equal for equal values of one store. */
  fingerprint: string;
  createdAt: Date;
}

/** The sealed bytes are bound to the name only: a clone moves them to another environment as they are. */
function context(name: string): string {
  return name;
}

/** @returns the revision; the current one when the value is the same */
export function putSecret(
  database: DatabaseSync,
  key: Buffer,
  environmentId: number,
  name: string,
  value: string,
  now: Date,
): number {
  const fingerprint = valueFingerprint(key, name, value);
  const current = database
    .prepare("SELECT id, fingerprint FROM secrets WHERE environment_id = ? AND name = ? AND current = 1")
    .get(environmentId, name) as { id: number; fingerprint: string } | undefined;
  if (current?.fingerprint === fingerprint) return current.id;
  removeSecret(database, environmentId, name);
  const { lastInsertRowid } = database
    .prepare(
      "INSERT INTO secrets (environment_id, name, sealed, fingerprint, current, created_at) VALUES (?, ?, ?, ?, 1, ?)",
    )
    .run(environmentId, name, seal(key, context(name), value), fingerprint, now.getTime());
  return Number(lastInsertRowid);
}

/** Takes a name away from the environment; its revisions stay for the versions that used them. @returns whether it was there */
export function removeSecret(database: DatabaseSync, environmentId: number, name: string): boolean {
  return (
    database
      .prepare("UPDATE secrets SET current = 0 WHERE environment_id = ? AND name = ? AND current = 1")
      .run(environmentId, name).changes > 0
  );
}

/** Those of an environment that are current, by name. */
export function listSecrets(database: DatabaseSync, environmentId: number): SecretRecord[] {
  const rows = database
    .prepare(
      "SELECT id, name, fingerprint, created_at FROM secrets WHERE environment_id = ? AND current = 1 ORDER BY name",
    )
    .all(environmentId);
  return (rows as { id: number; name: string; fingerprint: string; created_at: number }[]).map((row) => ({
    name: row.name,
    revision: row.id,
    fingerprint: row.fingerprint,
    createdAt: new Date(row.created_at),
  }));
}

/** Makes exactly these revisions current: what a rollback does. */
export function restoreSecrets(database: DatabaseSync, environmentId: number, revisions: Record<string, number>): void {
  database.prepare("UPDATE secrets SET current = 0 WHERE environment_id = ?").run(environmentId);
  const restore = database.prepare("UPDATE secrets SET current = 1 WHERE id = ? AND environment_id = ?");
  for (const revision of Object.values(revisions)) restore.run(revision, environmentId);
}

/** Copies the current secrets of one environment to another, unopened. @returns name → new revision */
export function copySecrets(database: DatabaseSync, fromId: number, toId: number, now: Date): Record<string, number> {
  const rows = database
    .prepare("SELECT name, sealed, fingerprint FROM secrets WHERE environment_id = ? AND current = 1 ORDER BY name")
    .all(fromId) as {
    name: string;
    sealed: Uint8Array;
    fingerprint: string;
  }[];
  const insert = database.prepare(
    "INSERT INTO secrets (environment_id, name, sealed, fingerprint, current, created_at) VALUES (?, ?, ?, ?, 1, ?)",
  );
  return Object.fromEntries(
    rows.map((row) => [
      row.name,
      Number(insert.run(toId, row.name, row.sealed, row.fingerprint, now.getTime()).lastInsertRowid),
    ]),
  );
}

/** Name → fingerprint of each revision. */
export function fingerprints(database: DatabaseSync, revisions: Record<string, number>): Record<string, string> {
  const select = database.prepare("SELECT fingerprint FROM secrets WHERE id = ?");
  return Object.fromEntries(
    Object.entries(revisions).flatMap(([name, revision]) => {
      const row = select.get(revision) as { fingerprint: string } | undefined;
      return row ? [[name, row.fingerprint]] : [];
    }),
  );
}

/**
 * Opens the values of a version's secrets.
 * @throws TroupeError STORE when `secret.key` is another one
 */
export function openSecrets(
  database: DatabaseSync,
  key: Buffer,
  revisions: Record<string, number>,
): Record<string, string> {
  const select = database.prepare("SELECT sealed FROM secrets WHERE id = ?");
  return Object.fromEntries(
    Object.entries(revisions).flatMap(([name, revision]) => {
      const row = select.get(revision) as { sealed: Uint8Array } | undefined;
      return row ? [[name, unseal(key, context(name), row.sealed)]] : [];
    }),
  );
}
