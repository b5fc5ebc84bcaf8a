/** Modules run from V8's cache: what they are, and when the cache counts. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ROOT } from "../support/cli.ts";
import { testFolder, writeFiles } from "../support/files.ts";

const run = promisify(execFile);

const PACKAGE = `
const { join } = require("./lib/join.cjs");
exports.greet = (name) => join("Hello", name);
exports.where = [__filename, __dirname, module.filename, require.resolve("./lib/join.cjs")];
exports.late = () => import("./lib/late.mjs").then(({ late }) => late);
`;

/** Loads the package in a process of its own, uses it, and keeps what was compiled. */
const SCRIPT = `
import { createRequire } from "node:module";
const [helper, file, folder] = process.argv.slice(2);
const { loadWarm } = await import(helper);
const warm = loadWarm(file, folder === "" ? undefined : folder);
const { greet, where, late } = warm.exports;
const greeting = greet("Ada");
const same = createRequire(import.meta.url)(file) === warm.exports && loadWarm(file, folder).exports === warm.exports;
console.log(JSON.stringify({ greeting, where, late: await late(), same }));
warm.keep();
`;

function project(): { file: string; cache: string; load: (folder?: string) => Promise<unknown> } {
  const dir = testFolder({
    "package/index.cjs": PACKAGE,
    "package/lib/join.cjs": `exports.join = (...words) => words.join(", ");`,
    "package/lib/late.mjs": `export const late = "imported";`,
    "load.mjs": SCRIPT,
    "cache/README": "",
  });
  const [file, cache] = [path.join(dir, "package/index.cjs"), path.join(dir, "cache")];
  const helper = path.join(ROOT, "src/lib/warm-module.ts");
  return {
    file,
    cache,
    async load(folder = cache) {
      const { stdout } = await run(process.execPath, [path.join(dir, "load.mjs"), helper, file, folder]);
      return JSON.parse(stdout);
    },
  };
}

function caches(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name !== "README")
    .map((name) => path.join(folder, name));
}

test("a warm module is the module, cached or not", async () => {
  const { file, cache, load } = project();
  const join = path.join(path.dirname(file), "lib/join.cjs");
  const expected = {
    greeting: "Hello, Ada",
    where: [file, path.dirname(file), file, join],
    late: "imported",
    same: true,
  };
  expect(await load("")).toEqual(expected);
  expect(caches(cache)).toEqual([]);
  expect(await load()).toEqual(expected);
  const [written] = caches(cache);
  const { mtimeMs } = statSync(written!);
  expect(await load()).toEqual(expected);
  expect(caches(cache)).toEqual([written]);
  expect(statSync(written!).mtimeMs).toBe(mtimeMs);
});

test("code of another file runs in the module's place, with require() where import() was", async () => {
  const { file, cache } = project();
  const code = path.join(cache, "code.cjs");
  writeFileSync(
    code,
    `const { pathToFileURL } = require("node:url");
    exports.where = __filename;
    exports.late = require(pathToFileURL(require.resolve("./lib/late.mjs")).href).late;`,
  );
  const script = `
    const { loadWarm } = await import(process.argv[1]);
    const [file, folder, code] = process.argv.slice(2);
    console.log(JSON.stringify(loadWarm(file, folder, { code }).exports));`;
  const helper = path.join(ROOT, "src/lib/warm-module.ts");
  const args = ["--input-type=module", "-e", script, helper, file, cache, code];
  const { stdout, stderr } = await run(process.execPath, args);
  expect(JSON.parse(stdout)).toEqual({ where: file, late: "imported" });
  expect(stderr).toBe("");
});

test("another source has another cache, also when it is as long", async () => {
  const { file, cache, load } = project();
  await load();
  writeFiles(path.dirname(file), { "index.cjs": PACKAGE.replace("Hello", "Adieu") });
  expect(await load()).toMatchObject({ greeting: "Adieu, Ada" });
  expect(caches(cache)).toHaveLength(2);
});

test("a cache that V8 refuses is written anew", async () => {
  const { cache, load } = project();
  await load();
  const [written] = caches(cache);
  const good = readFileSync(written!).length;
  writeFileSync(written!, "damaged");
  expect(await load()).toMatchObject({ greeting: "Hello, Ada" });
  expect(readFileSync(written!).length).toBe(good);
});

test("a cache that was damaged behind its head, where V8 does not look, is written anew", async () => {
  const { cache, load } = project();
  await load();
  const [written] = caches(cache);
  const good = readFileSync(written!);
  const damaged = Buffer.from(good);
  for (let at = 64; at < damaged.length; at++) damaged[at]! ^= 0xff;
  for (const each of [damaged, good.subarray(0, -100), Buffer.alloc(0)]) {
    writeFileSync(written!, each);
    expect(await load()).toMatchObject({ greeting: "Hello, Ada" });
    expect(readFileSync(written!).length).toBe(good.length);
  }
});

test("a folder that cannot be written to is no error", async () => {
  const { cache, load } = project();
  expect(await load(path.join(cache, "README"))).toMatchObject({ greeting: "Hello, Ada" });
});

test("a module that throws is not taken for loaded", async () => {
  const { file, cache } = project();
  writeFileSync(file, `throw new Error("not today");`);
  const script = `
    const { loadWarm } = await import(process.argv[1]);
    for (const _ of [1, 2]) try { loadWarm(process.argv[2], process.argv[3]); } catch (error) { console.log(error.message); }`;
  const args = ["--input-type=module", "-e", script, path.join(ROOT, "src/lib/warm-module.ts"), file, cache];
  expect((await run(process.execPath, args)).stdout).toBe("not today\nnot today\n");
});
