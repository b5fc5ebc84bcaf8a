import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TroupeError } from "../../src/errors.ts";
import type { Bundle, Environment } from "../../src/model.ts";
import { openStore, type Store } from "../../src/store/index.ts";

let folder: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "troupe-store-"));
  store = openStore(folder);
});

afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const ref = { service: "auth", environment: "production" };

function bundleOf(source: string): Bundle {
  const contents = new TextEncoder().encode(source);
  const module = { name: "index.js", type: "esm", contents } as const;
  return {
    format: "modules",
    mainModule: "index.js",
    modules: [module],
    exports: ["default"],
    contentHash: source,
    size: contents.byteLength,
  };
}

function deploy(target: Store, source: string): number {
  return target.transaction(() => {
    const record = target.findEnvironment(ref) ?? target.createEnvironment(ref, "auth");
    const bundle = bundleOf(source);
    const { id, number } = target.addVersion(record, {
      bundle: target.storeBundle(bundle),
      contentHash: bundle.contentHash,
      fingerprint: source,
      size: bundle.size,
      environment: { service: "auth", name: "production" } as Environment,
      sourceConfig: {},
      secrets: {},
      files: [],
      summary: { private: false, references: [], claims: [], routes: [] },
      source: "deploy",
      git: { commit: "abc", branch: "main", dirty: false },
    });
    target.activate(record, id, { operation: source, action: "deploy", bound: {} });
    return number;
  });
}

function failure(work: () => unknown): TroupeError {
  try {
    work();
  } catch (error) {
    if (error instanceof TroupeError) return error;
    throw error;
  }
  throw new Error("did not fail");
}

test("who asks for what is not there hears what is", () => {
  const missing = (service: string) => failure(() => store.environment({ service, environment: "staging" }));
  expect(missing("login").notes).toEqual([expect.stringContaining("troupe deploy")]);
  deploy(store, "one");
  expect(missing("auth").notes).toEqual(["auth has: production"]);
  expect(missing("login").notes).toEqual([expect.stringContaining("troupe deploy"), "Services deployed here: auth"]);
});

test("two environments never have one hostname, neither made nor renamed", () => {
  deploy(store, "one");
  const staging = store.createEnvironment({ service: "auth", environment: "staging" }, "staging--auth");
  const taken = { code: "CONFLICT", message: expect.stringContaining('label "auth"') };
  expect(failure(() => store.createEnvironment({ service: "x", environment: "y" }, "auth"))).toMatchObject(taken);
  expect(failure(() => store.renameEnvironment(staging, "z", "auth"))).toMatchObject(taken);
});

describe("versions", () => {
  test("are numbered per environment, the newest listed first, one of them active", () => {
    expect([deploy(store, "one"), deploy(store, "two")]).toEqual([1, 2]);
    const versions = store.versions(store.environment(ref));
    expect(versions.map(({ number, active }) => [number, active])).toEqual([
      [2, true],
      [1, false],
    ]);
    expect(versions[0]?.git).toEqual({ commit: "abc", branch: "main", dirty: false });
    expect(Buffer.from(store.loadBundle(store.version(ref, 1)).modules[0]!.contents).toString()).toBe("one");
    expect(store.deployments().map((deployment) => deployment.version)).toEqual([2, 1]);
  });

  test("share blobs, and the last one to go takes them along", () => {
    deploy(store, "same");
    deploy(store, "same");
    const blobs = () =>
      (new DatabaseSync(store.file).prepare("SELECT count(*) AS n FROM blobs").get() as { n: number }).n;
    expect(blobs()).toBe(1);
    store.transaction(() => store.deleteEnvironment(store.environment(ref)));
    expect(blobs()).toBe(0);
    expect(store.environments()).toEqual([]);
  });

  test("a transaction that throws leaves nothing", () => {
    expect(() =>
      store.transaction(() => {
        store.createEnvironment(ref, "auth");
        throw new Error("on purpose");
      }),
    ).toThrow("on purpose");
    expect(store.findEnvironment(ref)).toBeUndefined();
  });

  test("a damaged blob is named, not run", () => {
    deploy(store, "x".repeat(2000));
    new DatabaseSync(store.file).exec("UPDATE blobs SET data = x'1f8b0800'");
    const error = failure(() => store.loadBundle(store.version(ref)));
    expect(error.code).toBe("STORE");
    expect(error.message).toMatch(/auth@production version 1: blob [0-9a-f]{64} is damaged/);
  });

  test("twenty processes deploy at once: all land, numbers are consecutive", async () => {
    deploy(store, "first");
    const script = `
      const { openStore } = await import(${JSON.stringify(path.resolve("src/store/index.ts"))});
      const store = openStore(process.argv[1]);
      store.transaction(() => {
        const record = store.environment({ service: "auth", environment: "production" });
        const bundle = { format: "modules", mainModule: "a", modules: [{ name: "a", type: "esm", contents: Buffer.from(String(process.pid)) }], exports: [], contentHash: "h", size: 1 };
        const { id } = store.addVersion(record, { bundle: store.storeBundle(bundle), contentHash: "h", fingerprint: "f", size: 1, environment: {}, sourceConfig: {}, secrets: {}, files: [], summary: { private: false, references: [], claims: [], routes: [] }, source: "deploy" });
        store.activate(record, id, { operation: "o", action: "deploy", bound: {} });
      });`;
    const children = Array.from({ length: 20 }, () =>
      spawn(process.execPath, ["--input-type=module", "-e", script, folder], {
        stdio: ["ignore", "ignore", "inherit"],
      }),
    );
    const codes = await Promise.all(children.map(async (child) => (await once(child, "exit"))[0]));
    expect(codes).toEqual(Array(20).fill(0));
    expect(store.versions(store.environment(ref)).map(({ number }) => number)).toEqual(
      Array.from({ length: 21 }, (_, index) => 21 - index),
    );
  });
});

describe("secrets", () => {
  test("are sealed, kept as revisions, and opened with the key", () => {
    deploy(store, "one");
    const record = store.environment(ref);
    const first = store.putSecret(record, "TOKEN", "s3cret-value");
    expect(store.putSecret(record, "TOKEN", "s3cret-value")).toBe(first);
    const second = store.putSecret(record, "TOKEN", "other");
    expect(store.openSecrets({ TOKEN: first })).toEqual({ TOKEN: "s3cret-value" });
    expect(store.openSecrets({ TOKEN: second })).toEqual({ TOKEN: "other" });
    store.restoreSecrets(record, { TOKEN: first });
    expect(store.secrets(record).map((secret) => secret.revision)).toEqual([first]);
    for (const file of ["store.db", "store.db-wal"])
      expect(readFileSync(path.join(folder, file)).includes("s3cret-value")).toBe(false);
    expect(statSync(path.join(folder, "secret.key")).mode & 0o777).toBe(0o600);
  });

  test("another or a missing secret.key is refused, and nothing is lost", () => {
    deploy(store, "one");
    const revision = store.putSecret(store.environment(ref), "TOKEN", "value");
    const keyFile = path.join(folder, "secret.key");
    const key = readFileSync(keyFile);
    writeFileSync(keyFile, `${Buffer.alloc(32, 7).toString("base64")}\n`);
    const withOther = openStore(folder);
    expect(failure(() => withOther.openSecrets({ TOKEN: revision })).message).toMatch(/is not the key/);
    rmSync(keyFile);
    expect(failure(() => withOther.putSecret(withOther.environment(ref), "NEW", "x")).message).toMatch(/is missing/);
    writeFileSync(keyFile, key);
    expect(withOther.openSecrets({ TOKEN: revision })).toEqual({ TOKEN: "value" });
    withOther.close();
  });
});

describe("opening", () => {
  test("a newer schema is refused", () => {
    new DatabaseSync(store.file).exec("PRAGMA user_version = 99");
    expect(failure(() => openStore(folder)).message).toMatch(/written by a newer troupe \(schema 99/);
  });

  test("a file that is no store is refused", () => {
    const other = mkdtempSync(path.join(os.tmpdir(), "troupe-store-"));
    writeFileSync(path.join(other, "store.db"), "not a database, but long enough to have a header".repeat(10));
    expect(failure(() => openStore(other)).message).toMatch(/is not a troupe store/);
    chmodSync(other, 0o700);
    rmSync(other, { recursive: true });
  });
});
