/** Rows of `services` and `environments`. All functions run inside the caller's transaction. */
import type { DatabaseSync } from "node:sqlite";
import { TroupeError } from "../errors.ts";
import { type EnvironmentRef, refId } from "../model.ts";
import type { EnvironmentRecord, EnvironmentSettings } from "./records.ts";

const SELECT = `
  SELECT e.id, s.name AS service, e.name AS environment, e.label, e.protected, e.settings, v.number AS active, e.active_version_id, e.next_version, v.summary, e.created_at
  FROM environments e JOIN services s ON s.id = e.service_id LEFT JOIN versions v ON v.id = e.active_version_id`;

interface Row {
  id: number;
  service: string;
  environment: string;
  label: string;
  protected: number;
  settings: string;
  active: number | null;
  active_version_id: number | null;
  next_version: number;
  summary: string | null;
  created_at: number;
}

function record(row: Row): EnvironmentRecord {
  return {
    id: row.id,
    service: row.service,
    environment: row.environment,
    label: row.label,
    protected: row.protected === 1,
    settings: JSON.parse(row.settings),
    ...(row.active !== null && { activeVersion: row.active }),
    ...(row.active_version_id !== null && { activeVersionId: row.active_version_id }),
    ...(row.summary !== null && { summary: JSON.parse(row.summary) }),
    nextVersion: row.next_version,
    createdAt: new Date(row.created_at),
  };
}

/** @returns undefined when there is none */
export function findEnvironment(database: DatabaseSync, ref: EnvironmentRef): EnvironmentRecord | undefined {
  const row = database.prepare(`${SELECT} WHERE s.name = ? AND e.name = ?`).get(ref.service, ref.environment) as
    | Row
    | undefined;
  return row && record(row);
}

/** @throws TroupeError NOT_FOUND */
export function requireEnvironment(database: DatabaseSync, ref: EnvironmentRef): EnvironmentRecord {
  const found = findEnvironment(database, ref);
  if (found) return found;
  const all = listEnvironments(database);
  const others = all.filter(({ service }) => service === ref.service).map(({ environment }) => environment);
  const services = [...new Set(all.map(({ service }) => service))];
  throw new TroupeError("NOT_FOUND", `There is no deployed environment ${refId(ref)}`, {
    notes:
      others.length > 0
        ? [`${ref.service} has: ${others.join(", ")}`]
        : [
            `Nothing of "${ref.service}" was deployed yet: run \`troupe deploy\``,
            // A service that got another name in the config has its history under the one before.
            ...(services.length > 0 ? [`Services deployed here: ${services.join(", ")}`] : []),
          ],
  });
}

/** By service, production first, then by name. */
export function listEnvironments(database: DatabaseSync, service?: string): EnvironmentRecord[] {
  const order = "ORDER BY s.name, e.name <> 'production', e.name";
  const rows =
    service === undefined
      ? database.prepare(`${SELECT} ${order}`).all()
      : database.prepare(`${SELECT} WHERE s.name = ? ${order}`).all(service);
  return (rows as unknown as Row[]).map(record);
}

/** @throws TroupeError CONFLICT when the hostname's label is taken by another environment */
export function createEnvironment(
  database: DatabaseSync,
  ref: EnvironmentRef,
  label: string,
  settings: EnvironmentSettings,
  now: Date,
): EnvironmentRecord {
  database
    .prepare("INSERT INTO services (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING")
    .run(ref.service, now.getTime());
  refuseTaken(database, ref, label);
  database
    .prepare(
      "INSERT INTO environments (service_id, name, label, settings, created_at) SELECT id, ?, ?, ?, ? FROM services WHERE name = ?",
    )
    .run(ref.environment, label, JSON.stringify(settings), now.getTime(), ref.service);
  return requireEnvironment(database, ref);
}

/**
 * Its versions, secrets and settings stay.
 * @param to what it is called from now on
 * @throws TroupeError CONFLICT when the hostname's label is taken by another environment
 */
export function renameEnvironment(database: DatabaseSync, id: number, to: EnvironmentRef, label: string): void {
  refuseTaken(database, to, label);
  database.prepare("UPDATE environments SET name = ?, label = ? WHERE id = ?").run(to.environment, label, id);
}

/** `a` of service `b`, and service `a--b`, would have one hostname. */
function refuseTaken(database: DatabaseSync, ref: EnvironmentRef, label: string): void {
  const taken = database.prepare(`${SELECT} WHERE e.label = ?`).get(label) as Row | undefined;
  if (!taken) return;
  throw new TroupeError(
    "CONFLICT",
    `The hostname label "${label}" of ${refId(ref)} belongs to ${taken.service}@${taken.environment} already`,
    { notes: ["Call the environment otherwise"] },
  );
}

/** Removes it with its versions, deployments and secrets; and the service with its last environment. */
export function deleteEnvironment(database: DatabaseSync, id: number): void {
  database.prepare("UPDATE environments SET active_version_id = NULL WHERE id = ?").run(id);
  database.prepare("DELETE FROM environments WHERE id = ?").run(id);
  database.prepare("DELETE FROM services WHERE id NOT IN (SELECT service_id FROM environments)").run();
}

/** Whether it takes promotions only. */
export function setProtected(database: DatabaseSync, id: number, isProtected: boolean): void {
  database.prepare("UPDATE environments SET protected = ? WHERE id = ?").run(isProtected ? 1 : 0, id);
}

/** Replaces all settings. */
export function setSettings(database: DatabaseSync, id: number, settings: EnvironmentSettings): void {
  database.prepare("UPDATE environments SET settings = ? WHERE id = ?").run(JSON.stringify(settings), id);
}
