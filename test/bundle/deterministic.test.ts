import { cpSync, symlinkSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { assembleBundle } from "../../src/bundle/hash.ts";
import type { Bundle, Module } from "../../src/model.ts";
import { build, type Overrides, project, removeProjects, WASM, worker } from "./helpers.ts";

afterAll(removeProjects);

const files = {
  "repo/services/api/src/index.ts": worker(
    "[t, w, shared, cjs, hidden, fs, repl]",
    `import t from "./t.txt"; import w from "./add.wasm"; import { shared } from "../../../libs/shared"; import cjs from "cjs"; import hidden from "own/hidden";
     import fs from "node:fs"; import repl from "repl";`,
  ),
  "repo/services/api/src/t.txt": "T",
  "repo/services/api/src/add.wasm": WASM,
  "repo/services/api/node_modules/own/hidden.js": "exports.hidden = __filename => __filename;",
  "repo/libs/shared.ts": `export const shared: string = "s"; export const load = () => import("./late");`,
  "repo/libs/late.ts": "export const late = 1;",
  "repo/node_modules/cjs/index.js": `module.exports = require("./lib");`,
  "repo/node_modules/cjs/lib.js": "exports.a = 1;",
};
const overrides: Overrides = { compatibilityFlags: ["nodejs_compat"], compatibilityDate: "2024-10-01" };

describe("the same input gives the same bytes", () => {
  it("from another folder, through a link, and from another current folder", async () => {
    const dir = project(files);
    const elsewhere = project({});
    const copy = path.join(elsewhere, "deeper/and/deeper/copy");
    cpSync(path.join(dir, "repo"), copy, { recursive: true });
    const link = path.join(elsewhere, "link");
    symlinkSync(path.join(dir, "repo"), link);

    const original = await build(path.join(dir, "repo/services/api"), overrides);
    const cwd = process.cwd();
    const others: Bundle[] = [];
    for (const root of [copy, link]) others.push((await build(path.join(root, "services/api"), overrides)).bundle);
    process.chdir(elsewhere);
    try {
      others.push((await build(path.join(dir, "repo/services/api"), overrides)).bundle);
    } finally {
      process.chdir(cwd);
    }
    for (const other of others) {
      expect(other.contentHash).toBe(original.bundle.contentHash);
      expect(other.modules.map(digest)).toEqual(original.bundle.modules.map(digest));
    }
    for (const module of original.bundle.modules) expect(Buffer.from(module.contents).includes(dir)).toBe(false);
  });

  it("build after build, and with many at a time", async () => {
    const dir = path.join(project(files), "repo/services/api");
    const bundles = await Promise.all(Array.from({ length: 6 }, () => build(dir, overrides)));
    expect(new Set(bundles.map(({ bundle }) => bundle.contentHash)).size).toBe(1);
  });
});

describe("the content hash", () => {
  const module = (name: string, contents: string, type: Module["type"] = "esm"): Module => ({
    name,
    type,
    contents: Buffer.from(contents),
  });
  const hash = (modules: Module[], format: Bundle["format"] = "modules") =>
    assembleBundle({ format, mainModule: "a", modules, exports: [] }).contentHash;
  const base = [module("a", "1"), module("b", "2")];

  it("does not depend on the order of modules, nor on source maps", () => {
    const bundle = assembleBundle({
      format: "modules",
      mainModule: "b",
      modules: [...base, module("a.map", "{}", "sourcemap")],
      exports: ["x"],
    });
    expect(bundle.modules.map(({ name }) => name)).toEqual(["b", "a", "a.map"]);
    expect(bundle.size).toBe(2);
    expect(hash([...base].reverse())).toBe(hash(base));
    expect(hash([...base, module("a.map", "{}", "sourcemap")])).toBe(hash(base));
  });

  it("depends on format, names, types, contents, and where one ends", () => {
    const all = [
      hash(base),
      hash(base, "service-worker"),
      hash([module("a", "1"), module("c", "2")]),
      hash([module("a", "1"), module("b", "2", "text")]),
      hash([module("a", "1"), module("b", "3")]),
      hash([module("a", "12"), module("b", "")]),
      hash([module("a", "1")]),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});

function digest(module: Module): [string, string] {
  return [module.name, Buffer.from(module.contents).toString("base64")];
}
