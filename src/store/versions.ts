/** Rows of `versions` and `deployments`. All functions run inside the caller's transaction. */
import type { DatabaseSync } from "node:sqlite";
import { TroupeError } from "../errors.ts";
import { type Bundle, type Environment, type EnvironmentRef, refId } from "../model.ts";
import { getBlob, putBlob } from "./blobs.ts";
import type {
  Action,
  DeploymentRecord,
  Provenance,
  StoredBundle,
  StoredFile,
  VersionDetail,
  VersionRecord,
  VersionSummary,
} from "./records.ts";

export interface NewVersion extends Provenance {
  bundle: StoredBundle;
  contentHash: string;
  fingerprint: string;
  size: number;
  environment: Environment;
  sourceConfig: unknown;
  secrets: Record<string, number>;
  files: StoredFile[];
  summary: VersionSummary;
  source: Action;
}

const SELECT = `
  SELECT v.*, s.name AS service, e.name AS environment_name, e.active_version_id = v.id AS active
  FROM versions v JOIN environments e ON e.id = v.environment_id JOIN services s ON s.id = e.service_id`;

type Row = Record<string, string | number | null>;

function record(row: Row): VersionRecord {
  const text = (key: string) => (row[key] === null ? undefined : String(row[key]));
  return {
    id: Number(row.id),
    ref: { service: String(row.service), environment: String(row.environment_name) },
    number: Number(row.number),
    active: row.active === 1,
    source: row.source as Action,
    contentHash: String(row.content_hash),
    fingerprint: String(row.fingerprint),
    size: Number(row.size),
    tag: text("tag"),
    message: text("message"),
    author: text("author"),
    ...(row.git !== null && { git: JSON.parse(String(row.git)) }),
    createdAt: new Date(Number(row.created_at)),
  };
}

/** The large parts, as they stand in the row. */
const PARTS = {
  summary: "summary",
  bundle: "bundle",
  environment: "environment",
  sourceConfig: "source_config",
  secrets: "secrets",
  files: "files",
} as const;

/** Each part is parsed when it is first asked for. */
function detail(row: Row): VersionDetail {
  const version = record(row);
  for (const [part, column] of Object.entries(PARTS)) {
    let value: unknown;
    Object.defineProperty(version, part, {
      enumerable: true,
      configurable: true,
      get() {
        value ??= JSON.parse(String(row[column]));
        return value;
      },
    });
  }
  return version as VersionDetail;
}

/** Puts a bundle's modules among the blobs. @returns what a version keeps of it */
export function storeBundle(database: DatabaseSync, bundle: Bundle): StoredBundle {
  return {
    format: bundle.format,
    mainModule: bundle.mainModule,
    exports: bundle.exports,
    modules: bundle.modules.map(({ name, type, contents }) => ({ name, type, blob: putBlob(database, contents) })),
  };
}

/** @throws TroupeError STORE naming the version when a blob is missing or damaged */
export function loadBundle(database: DatabaseSync, version: VersionDetail): Bundle {
  const what = `${refId(version.ref)} version ${version.number}`;
  return {
    ...version.bundle,
    modules: version.bundle.modules.map(({ name, type, blob }) => ({
      name,
      type,
      contents: getBlob(database, blob, what),
    })),
    contentHash: version.contentHash,
    size: version.size,
  };
}

/** @throws TroupeError STORE when a blob is missing or damaged */
export function findBundle(database: DatabaseSync, contentHash: string): Bundle | undefined {
  const row = database.prepare("SELECT id FROM versions WHERE content_hash = ? LIMIT 1").get(contentHash);
  const version = row && versionById(database, Number(row.id));
  return version && loadBundle(database, version);
}

/** @returns the new version's id and number: the environment's next one */
export function insertVersion(
  database: DatabaseSync,
  environmentId: number,
  version: NewVersion,
  now: Date,
): { id: number; number: number } {
  const { next_version: number } = database
    .prepare(
      "UPDATE environments SET next_version = next_version + 1 WHERE id = ? RETURNING next_version - 1 AS next_version",
    )
    .get(environmentId) as { next_version: number };
  const { lastInsertRowid } = database
    .prepare(
      `INSERT INTO versions (environment_id, number, content_hash, fingerprint, size, bundle, environment, source_config, secrets, files, summary, source, tag, message, git, author, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      environmentId,
      number,
      version.contentHash,
      version.fingerprint,
      version.size,
      JSON.stringify(version.bundle),
      JSON.stringify(version.environment),
      JSON.stringify(version.sourceConfig ?? null),
      JSON.stringify(version.secrets),
      JSON.stringify(version.files),
      JSON.stringify(version.summary),
      version.source,
      version.tag ?? null,
      version.message ?? null,
      version.git ? JSON.stringify(version.git) : null,
      version.author ?? null,
      now.getTime(),
    );
  const id = Number(lastInsertRowid);
  const link = database.prepare("INSERT INTO version_blobs (version_id, hash) VALUES (?, ?) ON CONFLICT DO NOTHING");
  for (const { blob } of [...version.bundle.modules, ...version.files]) link.run(id, blob);
  return { id, number };
}

/** Newest first. */
export function listVersions(database: DatabaseSync, environmentId: number, limit = -1): VersionRecord[] {
  return (
    database.prepare(`${SELECT} WHERE e.id = ? ORDER BY v.number DESC LIMIT ?`).all(environmentId, limit) as Row[]
  ).map(record);
}

/** @param number left out: the active one */
export function findVersion(database: DatabaseSync, ref: EnvironmentRef, number?: number): VersionDetail | undefined {
  const which = number === undefined ? "v.id = e.active_version_id" : "v.number = ?";
  const row = database
    .prepare(`${SELECT} WHERE s.name = ? AND e.name = ? AND ${which}`)
    .get(ref.service, ref.environment, ...(number === undefined ? [] : [number])) as Row | undefined;
  return row && detail(row);
}

/** Of any environment. */
export function versionById(database: DatabaseSync, id: number): VersionDetail | undefined {
  const row = database.prepare(`${SELECT} WHERE v.id = ?`).get(id) as Row | undefined;
  return row && detail(row);
}

/** The environments of many versions, by version id, without the rest of them. */
export function environmentsOf(database: DatabaseSync, ids: readonly number[]): Map<number, Environment> {
  const rows = database
    .prepare("SELECT id, environment FROM versions WHERE id IN (SELECT value FROM json_each(?))")
    .all(JSON.stringify(ids)) as { id: number; environment: string }[];
  return new Map(rows.map(({ id, environment }) => [id, JSON.parse(environment)]));
}

/** @throws TroupeError NOT_FOUND */
export function requireVersion(database: DatabaseSync, ref: EnvironmentRef, number?: number): VersionDetail {
  const found = findVersion(database, ref, number);
  if (found) return found;
  throw new TroupeError(
    "NOT_FOUND",
    number === undefined ? `${refId(ref)} has no active version` : `${refId(ref)} has no version ${number}`,
    {
      notes: [number === undefined ? "Deploy to it first: `troupe deploy`" : "See `troupe versions list`"],
    },
  );
}

export interface Activation {
  operation: string;
  action: Action;
  origin?: EnvironmentRef & { version: number };
  message?: string;
  author?: string;
  bound: Record<string, number>;
}

/** Makes a version the active one of its environment, and records that. @returns the deployment's id */
export function activate(
  database: DatabaseSync,
  environmentId: number,
  versionId: number,
  activation: Activation,
  now: Date,
): number {
  database.prepare("UPDATE environments SET active_version_id = ? WHERE id = ?").run(versionId, environmentId);
  const { lastInsertRowid } = database
    .prepare(
      "INSERT INTO deployments (operation, environment_id, version_id, action, origin, message, author, bound, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .run(
      activation.operation,
      environmentId,
      versionId,
      activation.action,
      activation.origin ? JSON.stringify(activation.origin) : null,
      activation.message ?? null,
      activation.author ?? null,
      JSON.stringify(activation.bound),
      now.getTime(),
    );
  return Number(lastInsertRowid);
}

const DEPLOYMENTS = `
  SELECT d.*, v.number AS version, s.name AS service, e.name AS environment_name
  FROM deployments d JOIN environments e ON e.id = d.environment_id JOIN services s ON s.id = e.service_id JOIN versions v ON v.id = d.version_id`;

function deployment(row: Row): DeploymentRecord {
  return {
    id: Number(row.id),
    operation: String(row.operation),
    ref: { service: String(row.service), environment: String(row.environment_name) },
    version: Number(row.version),
    action: row.action as Action,
    ...(row.origin !== null && { origin: JSON.parse(String(row.origin)) }),
    ...(row.message !== null && { message: String(row.message) }),
    ...(row.author !== null && { author: String(row.author) }),
    bound: JSON.parse(String(row.bound)),
    createdAt: new Date(Number(row.created_at)),
  };
}

/** Newest first. Without `environmentId`: of the whole store. */
export function listDeployments(database: DatabaseSync, environmentId?: number, limit = -1): DeploymentRecord[] {
  const where = environmentId === undefined ? "" : "WHERE e.id = ?";
  const rows = database
    .prepare(`${DEPLOYMENTS} ${where} ORDER BY d.id DESC LIMIT ?`)
    .all(...(environmentId === undefined ? [] : [environmentId]), limit);
  return (rows as Row[]).map(deployment);
}

/** @returns undefined when there is none */
export function findDeployment(database: DatabaseSync, id: number): DeploymentRecord | undefined {
  const row = database.prepare(`${DEPLOYMENTS} WHERE d.id = ?`).get(id) as Row | undefined;
  return row && deployment(row);
}
