import { EventEmitter, once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
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

/** A watcher of a test's own, with what it told. */
async function watch() {
  const bursts: string[][] = [];
  const heard = new EventEmitter();
  const watcher = await createWatcher((changed) => {
    bursts.push(changed);
    heard.emit("burst");
  });
  const told = async (name: string): Promise<void> => {
    while (!bursts.flat().includes(name)) await once(heard, "burst");
  };
  return { watcher, bursts, told };
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

test("calls a file below a folder by its own name", async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "troupe-watch-"));
  const page = path.join(folder, "page.html");
  writeFileSync(page, "1");
  const { watcher, bursts, told } = await watch();
  watcher.set([], [folder]);
  await watcher.ready;
  writeFileSync(page, "2");
  await told(page);
  const last = path.join(folder, "last.html");
  writeFileSync(last, "1");
  await told(last);
  expect(bursts.flat()).not.toContain(path.join(page, "page.html"));
  await watcher.close();
  rmSync(folder, { recursive: true });
});

test("sees what was saved before it could be seen, once", async () => {
  const early = mkdtempSync(path.join(os.tmpdir(), "troupe-watch-"));
  const [old, moved, saved, asset] = ["old.ts", "moved.ts", "saved.ts", "assets/page.html"].map((name) =>
    path.join(early, name),
  );
  mkdirSync(path.join(early, "assets"));
  for (const name of [old!, `${moved}.before`, path.join(early, "unasked")]) writeFileSync(name, "1");
  const since = statSync(`${moved}.before`).ctimeMs;
  // The clock of files goes in steps.
  do writeFileSync(asset!, "1");
  while (statSync(asset!).ctimeMs <= since);
  writeFileSync(saved!, "1");
  renameSync(`${moved}.before`, moved!);
  const late = await watch();
  late.watcher.set([old!, moved!, saved!], [path.join(early, "assets")], [], since);
  await late.watcher.ready;
  for (const name of [moved!, saved!, asset!]) await late.told(name);
  const told = late.bursts.flat();
  await late.watcher.close();
  rmSync(early, { recursive: true });
  expect(told.sort()).toEqual([asset, moved, saved]);
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

test("sees what appears in a folder that was missing, from the moment it is asked to", async () => {
  for (let round = 0; round < 20; round++) {
    const own = path.join(folder, `nothing-yet-${round}`);
    mkdirSync(own);
    writeFileSync(path.join(own, "troupe.toml"), "");
    const inFolder = path.join(own, "assets", "deep", "page.html");
    const asFile = path.join(own, "src", "deep", "er", "new.ts");
    const { watcher, told } = await watch();
    watcher.set([path.join(own, "troupe.toml"), asFile], [path.join(own, "assets")]);
    // At once, or just when the watcher looks.
    if (round % 2 === 1) await watcher.ready;
    for (let turn = 0; turn < round >> 2; turn++) await new Promise(setImmediate);
    for (const file of [inFolder, asFile]) {
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, "1");
    }
    await Promise.all([told(inFolder), told(asFile)]);
    await watcher.close();
  }
});

test("sees what was saved after it was read, and before it was asked for", async () => {
  const { watcher, told } = await watch();
  watcher.set([file], []);
  await watcher.ready;
  for (let round = 0; round < 20; round++) {
    const imported = path.join(folder, `imported-${round}.ts`);
    const besides = path.join(folder, `besides-${round}`, "new.ts");
    mkdirSync(path.dirname(besides));
    for (const each of [imported, besides]) writeFileSync(each, "1");
    const read = statSync(besides).ctimeMs;
    for (const each of [imported, besides])
      do writeFileSync(each, "2");
      while (statSync(each).ctimeMs <= read);
    watcher.set([file, imported, besides], [], [], read);
    await Promise.all([told(imported), told(besides)]);
    // Also what is saved as soon as it was asked for.
    const after = path.join(folder, `after-${round}.ts`);
    watcher.set([file, after], []);
    writeFileSync(after, "1");
    await told(after);
  }
  await watcher.close();
});

test("sees what is put into a folder while it is found", async () => {
  const assets = path.join(folder, "assets");
  mkdirSync(assets);
  const { watcher, told } = await watch();
  watcher.set([], [assets]);
  await watcher.ready;
  for (let round = 0; round < 40; round++) {
    const page = path.join(assets, `deep-${round}`, "er", "page.html");
    mkdirSync(path.dirname(page), { recursive: true });
    for (let turn = 0; turn < round; turn++) await new Promise(setImmediate);
    writeFileSync(page, "1");
    await told(page);
  }
  await watcher.close();
});

test("sees on in a folder that was removed and made again", async () => {
  const own = path.join(folder, "again");
  const inside = path.join(own, "src", "a.ts");
  mkdirSync(path.dirname(inside), { recursive: true });
  writeFileSync(inside, "0");
  const { watcher, bursts, told } = await watch();
  watcher.set([inside], []);
  await watcher.ready;
  for (let round = 0; round < 10; round++) {
    rmSync(own, { recursive: true });
    if (round % 2 === 1) await told(inside);
    mkdirSync(path.dirname(inside), { recursive: true });
    bursts.length = 0;
    writeFileSync(inside, String(round));
    await told(inside);
    bursts.length = 0;
    writeFileSync(inside, "again");
    await told(inside);
    bursts.length = 0;
  }
  await watcher.close();
});
