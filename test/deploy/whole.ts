/** Looks at a store from the inside: whether everything in it is whole, and what is active. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";
import { assembleBundle } from "../../src/bundle/hash.ts";
import { refId } from "../../src/model.ts";
import { openStore } from "../../src/store/index.ts";

export interface Active {
  version: number;
  contentHash: string;
  /** Text of the main module. */
  code: string;
  secrets: Record<string, string>;
}

/** By `service@environment`; undefined for one without a version. */
export type State = Record<string, Active | undefined>;

/**
 * Opens a store as the next command would, and reads everything.
 * @param seen ids of versions that were read before, which are read again only if they are active; others are added
 * @returns what is active; throws when anything is not whole
 */
export function readWhole(folder: string, seen = new Set<number>()): State {
  const store = openStore(folder, { mustExist: true });
  try {
    const state: State = {};
    for (const record of store.environments()) {
      const ref = { service: record.service, environment: record.environment };
      const versions = store.versions(record);
      // Numbers are consecutive: none was lost, none given twice.
      expect(versions.map(({ number }) => number)).toEqual(versions.map((_, index) => versions.length - index));
      let active: Active | undefined;
      for (const { id, number, active: isActive } of versions) {
        if (seen.has(id) && !isActive) continue;
        seen.add(id);
        const version = store.version(ref, number);
        const bundle = store.loadBundle(version);
        expect(assembleBundle(bundle).contentHash, `${refId(ref)} ${number}`).toBe(version.contentHash);
        const secrets = store.openSecrets(version.secrets);
        expect(Object.keys(secrets)).toEqual(Object.keys(version.secrets));
        if (!isActive) continue;
        const code = Buffer.from(bundle.modules[0]!.contents).toString();
        active = { version: number, contentHash: version.contentHash, code, secrets };
      }
      const current = Object.fromEntries(store.secrets(record).map(({ name, revision }) => [name, revision]));
      if (active) expect(store.openSecrets(current), refId(ref)).toEqual(active.secrets);
      const [newest] = store.deployments(record, 1);
      expect(newest?.version).toBe(active?.version);
      state[refId(ref)] = active;
    }
    return state;
  } finally {
    store.close();
  }
}

/** SQLite's own opinion, and that no half-written file lies about. */
export function expectSound(folder: string): void {
  const database = new DatabaseSync(path.join(folder, "store.db"));
  expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  expect(database.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
  database.close();
  const known = /^(\.gitignore|secret\.key|change\.lock|store\.db|store\.db-(wal|shm))$/;
  expect(readdirSync(folder).filter((name) => !known.test(name))).toEqual([]);
}
