/** The embedded store: `store.db` (SQLite) and `secret.key` in the state folder. */
import { existsSync } from "node:fs";
import path from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { TroupeError } from "../errors.ts";
import type { Bundle, Environment, EnvironmentRef } from "../model.ts";
import { blobSize, getBlob, mendBlob, putBlob, sweepBlobs } from "./blobs.ts";
import { openDatabase, storeError, transaction } from "./database.ts";
import * as environments from "./environments.ts";
import { keyFingerprint, loadKey, seal, unseal, valueFingerprint } from "./keys.ts";
import type {
  DeploymentRecord,
  EnvironmentRecord,
  EnvironmentSettings,
  StoredBundle,
  StoredFile,
  VersionDetail,
  VersionRecord,
} from "./records.ts";
import * as secrets from "./secrets.ts";
import * as versions from "./versions.ts";

export { storeError } from "./database.ts";
export type * from "./records.ts";
export type { SecretRecord } from "./secrets.ts";
export type { Activation, NewVersion } from "./versions.ts";

/** In the state folder. */
export const STORE_FILE = "store.db";

export interface StoreOptions {
  now?: () => Date;
  /** Fails with NOT_FOUND instead of making a new store. */
  mustExist?: boolean;
}

/**
 * @param folder the state folder; it must exist
 * @throws TroupeError STORE, NOT_FOUND (with `mustExist`)
 */
export function openStore(folder: string, options: StoreOptions = {}): Store {
  const file = path.join(folder, STORE_FILE);
  if (options.mustExist && !existsSync(file)) {
    throw new TroupeError("NOT_FOUND", `Nothing was deployed here yet: there is no store at ${file}`, {
      notes: ["Run `troupe deploy`, or name another store with --state-dir"],
    });
  }
  return new Store(openDatabase(file), file, folder, options.now ?? (() => new Date()));
}

/** Reads and writes records. Group writes with `transaction`: all of it happens, or nothing. */
export class Store {
  readonly file: string;
  #database: DatabaseSync;
  #folder: string;
  #now: () => Date;
  #key: Buffer | undefined;

  constructor(database: DatabaseSync, file: string, folder: string, now: () => Date) {
    this.#database = database;
    this.file = file;
    this.#folder = folder;
    this.#now = now;
  }

  /** @throws what `work` throws, and TroupeError STORE; nothing is changed then */
  transaction<T>(work: () => T): T {
    try {
      return transaction(this.#database, work);
    } catch (error) {
      throw storeError(error, this.file);
    }
  }

  /** Changes whenever another connection committed something: a cheap question to ask often. */
  dataVersion(): number {
    return (this.#database.prepare("PRAGMA data_version").get() as { data_version: number }).data_version;
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  findEnvironment(ref: EnvironmentRef): EnvironmentRecord | undefined {
    return environments.findEnvironment(this.#database, ref);
  }

  /** @throws TroupeError NOT_FOUND */
  environment(ref: EnvironmentRef): EnvironmentRecord {
    return environments.requireEnvironment(this.#database, ref);
  }

  environments(service?: string): EnvironmentRecord[] {
    return environments.listEnvironments(this.#database, service);
  }

  /** @throws TroupeError CONFLICT when the label is taken */
  createEnvironment(
    ref: EnvironmentRef,
    label: string,
    settings: EnvironmentSettings = { edition: ref.environment },
  ): EnvironmentRecord {
    return environments.createEnvironment(this.#database, ref, label, settings, this.#now());
  }

  /** @throws TroupeError CONFLICT when the label is taken */
  renameEnvironment({ id, service }: EnvironmentRecord, environment: string, label: string): void {
    environments.renameEnvironment(this.#database, id, { service, environment }, label);
  }

  deleteEnvironment(record: EnvironmentRecord): void {
    environments.deleteEnvironment(this.#database, record.id);
    sweepBlobs(this.#database);
  }

  setProtected(record: EnvironmentRecord, isProtected: boolean): void {
    environments.setProtected(this.#database, record.id, isProtected);
  }

  setSettings(record: EnvironmentRecord, settings: EnvironmentSettings): void {
    environments.setSettings(this.#database, record.id, settings);
  }

  storeBundle(bundle: Bundle): StoredBundle {
    return versions.storeBundle(this.#database, bundle);
  }

  /** Puts modules right that the store has and that are damaged. */
  mendBundle(bundle: Bundle): void {
    for (const { contents } of bundle.modules) mendBlob(this.#database, contents);
  }

  /** A bundle of any version that has it. @throws TroupeError STORE for one that is damaged */
  findBundle(contentHash: string): Bundle | undefined {
    return versions.findBundle(this.#database, contentHash);
  }

  /** @throws TroupeError STORE naming a missing or damaged blob */
  loadBundle(version: VersionDetail): Bundle {
    return versions.loadBundle(this.#database, version);
  }

  /** Puts a file among the blobs; with `sealed`, unreadable without `secret.key`. */
  storeFile(path: string, contents: Uint8Array, sealed: boolean): StoredFile {
    if (!sealed) {
      const blob = putBlob(this.#database, contents);
      return { path, blob, fingerprint: blob.slice(0, 16) };
    }
    const key = this.#secretKey();
    const text = Buffer.from(contents).toString("base64");
    const fingerprint = valueFingerprint(key, path, text);
    return { path, blob: putBlob(this.#database, seal(key, path, text)), sealed: true, fingerprint };
  }

  /** @throws TroupeError STORE when its blob is missing or damaged, or `secret.key` is another one */
  loadFile({ path, blob, sealed }: StoredFile): Uint8Array {
    const contents = getBlob(this.#database, blob, path);
    return sealed ? Buffer.from(unseal(this.#secretKey(), path, contents), "base64") : contents;
  }

  /** The modules of a version with their sizes in bytes, without their contents. */
  moduleSizes(version: VersionDetail): (StoredBundle["modules"][number] & { size: number })[] {
    return version.bundle.modules.map((module) => ({ ...module, size: blobSize(this.#database, module.blob) }));
  }

  addVersion(record: EnvironmentRecord, version: versions.NewVersion): { id: number; number: number } {
    return versions.insertVersion(this.#database, record.id, version, this.#now());
  }

  activate(record: EnvironmentRecord, versionId: number, activation: versions.Activation): number {
    return versions.activate(this.#database, record.id, versionId, activation, this.#now());
  }

  versions(record: EnvironmentRecord, limit?: number): VersionRecord[] {
    return versions.listVersions(this.#database, record.id, limit);
  }

  /** @param number left out: the active one */
  findVersion(ref: EnvironmentRef, number?: number): VersionDetail | undefined {
    return versions.findVersion(this.#database, ref, number);
  }

  /** @throws TroupeError NOT_FOUND */
  version(ref: EnvironmentRef, number?: number): VersionDetail {
    return versions.requireVersion(this.#database, ref, number);
  }

  versionById(id: number): VersionDetail | undefined {
    return versions.versionById(this.#database, id);
  }

  /** The environments of many versions, by version id, without the rest of them. */
  environmentsOf(ids: readonly number[]): Map<number, Environment> {
    return versions.environmentsOf(this.#database, ids);
  }

  deployments(record?: EnvironmentRecord, limit?: number): DeploymentRecord[] {
    return versions.listDeployments(this.#database, record?.id, limit);
  }

  findDeployment(id: number): DeploymentRecord | undefined {
    return versions.findDeployment(this.#database, id);
  }

  secrets(record: EnvironmentRecord): secrets.SecretRecord[] {
    return secrets.listSecrets(this.#database, record.id);
  }

  /** @returns the revision. @throws TroupeError STORE when `secret.key` is not this store's */
  putSecret(record: EnvironmentRecord, name: string, value: string): number {
    return secrets.putSecret(this.#database, this.#secretKey(), record.id, name, value, this.#now());
  }

  removeSecret(record: EnvironmentRecord, name: string): boolean {
    return secrets.removeSecret(this.#database, record.id, name);
  }

  restoreSecrets(record: EnvironmentRecord, revisions: Record<string, number>): void {
    secrets.restoreSecrets(this.#database, record.id, revisions);
  }

  copySecrets(from: EnvironmentRecord, to: EnvironmentRecord): Record<string, number> {
    return secrets.copySecrets(this.#database, from.id, to.id, this.#now());
  }

  /** Equal for equal values under one name, without giving the value away. */
  fingerprint(name: string, value: string): string {
    return valueFingerprint(this.#secretKey(), name, value);
  }

  /** Name → fingerprint of the value. */
  secretFingerprints(revisions: Record<string, number>): Record<string, string> {
    return secrets.fingerprints(this.#database, revisions);
  }

  /** Values of a version's secrets. @throws TroupeError STORE when `secret.key` is not this store's */
  openSecrets(revisions: Record<string, number>): Record<string, string> {
    if (Object.keys(revisions).length === 0) return {};
    return secrets.openSecrets(this.#database, this.#secretKey(), revisions);
  }

  /** The key is made with the first secret, and remembered by its fingerprint. */
  #secretKey(): Buffer {
    if (this.#key) return this.#key;
    const known = () =>
      (this.#database.prepare("SELECT value FROM meta WHERE key = 'secret-key'").get() as { value: string } | undefined)
        ?.value;
    if (known() && !existsSync(path.join(this.#folder, "secret.key"))) {
      throw new TroupeError(
        "STORE",
        `${path.join(this.#folder, "secret.key")} is missing, and the store holds secrets sealed with it`,
        {
          notes: ["Restore the file from a backup: without it the secrets cannot be read"],
        },
      );
    }
    const key = loadKey(this.#folder);
    const fingerprint = keyFingerprint(key);
    this.transaction(() => {
      this.#database
        .prepare("INSERT INTO meta (key, value) VALUES ('secret-key', ?) ON CONFLICT DO NOTHING")
        .run(fingerprint);
    });
    if (known() !== fingerprint) {
      throw new TroupeError(
        "STORE",
        `${path.join(this.#folder, "secret.key")} is not the key that this store's secrets were sealed with`,
        {
          notes: ["Put the right secret.key back; nothing was changed"],
        },
      );
    }
    this.#key = key;
    return key;
  }
}
