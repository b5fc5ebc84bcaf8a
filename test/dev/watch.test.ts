import { mkdirSync, mkdtempSync, renameSync, rmSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createWatcher, type Watcher } from "../../src/ops/dev/watch.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "troupe-watch-"));
const file = path.join(folder, "a.ts");
const later = path.join(folder, ".dev.vars");
let watcher: Watcher;
let seen: string[][] = [];
let wake = (): void => {};

/** The next burst that names a file. */
async function burst(name: string): Promise<string[]> {
  for (;;) {
    const found = seen.find((changed) => changed.includes(name));
    if (found) return found;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

async function after(change: () => void, name = file): Promise<string[]> {
  seen = [];
  change();
  return burst(name);
}

beforeAll(async () => {
  writeFileSync(file, "1");
  writeFileSync(path.join(folder, "unasked"), "1");
  watcher = await createWatcher((changed) => {
    seen.push(changed);
    wake();
  });
  watcher.set([file, later], []);
  await watcher.ready;
});

afterAll(async () => {
  await watcher.close();
  rmSync(folder, { recursive: true });
});

test("sees a file written, replaced by rename, removed and made again", async () => {
  await after(() => writeFileSync(file, "2"));
  await after(() => {
    writeFileSync(`${file}.tmp`, "3");
    renameSync(`${file}.tmp`, file);
  });
  await after(() => writeFileSync(file, "4"));
  await after(() => unlinkSync(file));
  await after(() => writeFileSync(file, "5"));
  await after(() => writeFileSync(file, "6"));
});

test("sees every change of a file, however fast one follows the other", async () => {
  for (let index = 0; index < 20; index++) await after(() => writeFileSync(file, `fast ${index}`));
});

test("sees a file that was not there at first, and nothing that nobody asked for", async () => {
  const changed = await after(() => {
    writeFileSync(path.join(folder, "unasked"), "2");
    writeFileSync(later, "A=1");
  }, later);
  expect(changed).toEqual([later]);
});

test("tells once that a file has gone", async () => {
  const bursts = [await after(() => unlinkSync(file))];
  // The watcher's library tells it again after a while: eight bursts later that is over.
  for (let index = 0; index < 8; index++) {
    await after(() => writeFileSync(later, `A=${index}`), later);
    bursts.push(...seen);
  }
  expect(bursts.filter((changed) => changed.includes(file))).toHaveLength(1);
  await after(() => writeFileSync(file, "7"));
});

test("sees files asked for later, and everything below a folder", async () => {
  const second = path.join(folder, "b.ts");
  writeFileSync(second, "1");
  watcher.set([file, second], [path.join(folder, "public")]);
  await after(() => writeFileSync(second, "2"), second);
});

test("sees what was saved before it could be seen, once", async () => {
  const early = mkdtempSync(path.join(os.tmpdir(), "troupe-watch-"));
  const [old, saved, asset] = ["old.ts", "saved.ts", "assets/page.html"].map((name) => path.join(early, name));
  const since = Date.now() - 60_000;
  mkdirSync(path.join(early, "assets"));
  for (const name of [old!, saved!, asset!, path.join(early, "unasked")]) writeFileSync(name, "1");
  utimesSync(old!, since / 1000 - 60, since / 1000 - 60);
  const bursts: string[][] = [];
  let heard = (): void => {};
  const hearing = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const late = await createWatcher(
    (changed) => {
      bursts.push(changed);
      heard();
    },
    { since },
  );
  late.set([old!, saved!], [path.join(early, "assets")]);
  await Promise.all([late.ready, hearing]);
  await late.close();
  rmSync(early, { recursive: true });
  expect(bursts).toEqual([[asset, saved]]);
});

test("is ready only when what is there is watched, however much is not there yet", async () => {
  const own = path.join(folder, "sparse");
  const config = path.join(own, "troupe.toml");
  mkdirSync(own);
  const changes: string[] = [];
  for (let round = 0; round < 10; round++) {
    writeFileSync(config, "before");
    let resolve = (): void => {};
    const seen = new Promise<void>((done) => {
      resolve = done;
    });
    const sparse = await createWatcher((changed) => {
      changes.push(...changed);
      resolve();
    });
    const missing = ["a.js", "package.json", "tsconfig.json", "b.js", "c.js"].map((name) => path.join(own, name));
    sparse.set([...missing, config], [path.join(own, "src")]);
    await sparse.ready;
    writeFileSync(config, "after");
    await seen;
    await sparse.close();
  }
  expect(changes.filter((changed) => changed === config).length).toBeGreaterThanOrEqual(10);
});

test("sees what appears in a folder that was missing", async () => {
  const own = path.join(folder, "nothing-yet");
  const inside = path.join(own, "src", "new.ts");
  mkdirSync(own);
  writeFileSync(path.join(own, "troupe.toml"), "");
  let resolve = (_changed: string[]): void => {};
  const seen = new Promise<string[]>((done) => {
    resolve = done;
  });
  const sparse = await createWatcher((changed) => {
    if (changed.includes(inside)) resolve(changed);
  });
  sparse.set([path.join(own, "troupe.toml")], [path.join(own, "src")]);
  await sparse.ready;
  mkdirSync(path.dirname(inside));
  writeFileSync(inside, "1");
  expect(await seen).toContain(inside);
  await sparse.close();
});
