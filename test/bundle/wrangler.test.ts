/** The same projects, bundled by the real Wrangler: names, externals and as a rule the very code are the same. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../../src/model.ts";
import { Wrangler } from "../support/wrangler.ts";
import { build, code, type Overrides, project, removeProjects, WASM, worker } from "./helpers.ts";

afterAll(removeProjects);

const wrangler = new Wrangler();
const DATE = "2026-01-01";

interface Sample {
  files: Record<string, string | Uint8Array>;
  /** Keys of wrangler.json beside name and compatibility_date. */
  config: Record<string, unknown>;
  overrides(dir: string): Overrides;
}

const samples: Record<string, Sample> = {
  typescript: {
    files: {
      "src/worker.tsx": `import { h } from "./h"; import pkg from "pkg"; import data from "./data.json";
        export class Room { name = Room.name; }
        export default { fetch() { return new Response(process.env.NODE_ENV + navigator.userAgent + pkg + data.a + MODE + <b>{h}</b>) } };`,
      "src/h.ts": "export enum E { A = 1 } export const h: number = E.A;",
      "src/data.json": `{"a": 1}`,
      "node_modules/pkg/package.json": `{"exports": {"workerd": "./workerd.js", "default": "./default.js"}}`,
      "node_modules/pkg/workerd.js": "module.exports = 'workerd'",
      "node_modules/pkg/default.js": "module.exports = 'default'",
    },
    config: { main: "src/worker.tsx", define: { MODE: '"m"' }, jsx_factory: "h" },
    overrides: () => ({ main: "src/worker.tsx", build: { define: { MODE: '"m"' }, jsxFactory: "h" } }),
  },
  modules: {
    files: {
      "src/index.ts": worker(
        "[a, b, c, d, e, f]",
        `import a from "./a.txt"; import b from "../b.html"; import c from "pkg/c.sql"; import d from "./d.bin"; import e from "./add.wasm?module"; import f from "./f.md";`,
      ),
      "src/a.txt": "A",
      "b.html": "B",
      "node_modules/pkg/c.sql": "C",
      "node_modules/pkg/package.json": "{}",
      "src/d.bin": "D",
      "src/add.wasm": WASM,
      "src/f.md": "F",
    },
    config: { main: "src/index.ts", rules: [{ type: "Text", globs: ["**/*.md"], fallthrough: true }] },
    overrides: () => ({ build: { rules: [{ type: "Text", globs: ["**/*.md"], fallthrough: true }] } }),
  },
  preserved: {
    files: {
      "src/index.ts": worker("[a, b]", `import a from "./lib/a.txt"; import b from "pkg/b.txt";`),
      "src/lib/a.txt": "A",
      "node_modules/pkg/b.txt": "B",
    },
    config: { main: "src/index.ts", preserve_file_names: true },
    overrides: () => ({ build: { preserveFileNames: true } }),
  },
  additional: {
    files: {
      "src/index.ts": worker(
        '[en, await import("./lang/" + request.url + ".mjs"), t]',
        `import en from "./lang/en.mjs"; import t from "./lang/t.txt";`,
      ),
      "src/lang/en.mjs": `export default "en";`,
      "src/lang/de.mjs": `export default "de";`,
      "src/lang/t.txt": "T",
    },
    config: { main: "src/index.ts", find_additional_modules: true, rules: [{ type: "ESModule", globs: ["**/*.mjs"] }] },
    overrides: () => ({ build: { findAdditionalModules: true, rules: [{ type: "ESModule", globs: ["**/*.mjs"] }] } }),
  },
  plain: {
    files: {
      "dist/index.mjs": `import { a } from "./lib/a.js"; export default { fetch: () => new Response(a) };`,
      "dist/lib/a.js": "export const a = 'a';",
      "dist/t.txt": "T",
    },
    config: { main: "dist/index.mjs", no_bundle: true, rules: [{ type: "ESModule", globs: ["**/*.js"] }] },
    overrides: () => ({
      main: "dist/index.mjs",
      build: { noBundle: true, rules: [{ type: "ESModule", globs: ["**/*.js"] }] },
    }),
  },
  script: {
    files: {
      "index.js": `import { h } from "./h"; addEventListener("fetch", (event) => event.respondWith(new Response(h)));`,
      "h.js": "export const h = 'h';",
    },
    config: { main: "index.js" },
    overrides: () => ({ main: "index.js" }),
  },
  node: {
    files: {
      "index.ts": worker(
        "[fs, repl, os, vm, crypto, process.version]",
        `import fs from "fs"; import repl from "node:repl"; import os from "os"; import vm from "node:vm"; import crypto from "node:crypto";`,
      ),
    },
    config: { main: "index.ts", compatibility_flags: ["nodejs_compat"], compatibility_date: "2025-03-01" },
    overrides: () => ({ main: "index.ts", compatibilityFlags: ["nodejs_compat"], compatibilityDate: "2025-03-01" }),
  },
};

const results = new Map<string, { bundle: Bundle; files: string[]; code: string }>();

beforeAll(async () => {
  await Promise.all(
    Object.entries(samples).map(async ([name, { files, config, overrides }]) => {
      const settings = JSON.stringify({ name, compatibility_date: DATE, ...config });
      const dir = project({ ...files, "wrangler.json": settings });
      await wrangler.run(["deploy", "--dry-run", "--outdir", "out"], { cwd: dir });
      const out = path.join(dir, "out");
      const main = readdirSync(out).find((file) => /^(index|worker)\.m?js$/.test(file))!;
      const { bundle } = await build(dir, { configPath: path.join(dir, "wrangler.json"), ...overrides(dir) });
      results.set(name, { bundle, files: listFiles(out), code: readFileSync(path.join(out, main), "utf8") });
    }),
  );
}, 120_000);
afterAll(() => wrangler.close());

describe("Wrangler's bundle and ours", () => {
  it.each(Object.keys(samples))("have the same files (%s)", (name) => {
    const { bundle, files } = results.get(name)!;
    expect(
      bundle.modules
        .filter((module) => module.type !== "sourcemap")
        .map((module) => module.name)
        .sort(),
    ).toEqual(files);
  });

  it.each(Object.keys(samples).filter((name) => name !== "node"))("have the same code (%s)", (name) => {
    const { bundle, code: theirs } = results.get(name)!;
    // A bare name would do as well; with `./` it also holds in registries that resolve specifiers as URLs.
    expect(code(bundle)).toBe(theirs.replace(`"pkg/b.txt"`, `"./pkg/b.txt"`));
  });

  it("leave the same modules of Node to the runtime", () => {
    const { bundle, code: theirs } = results.get("node")!;
    expect(imports(code(bundle))).toEqual(imports(theirs));
  });
});

function listFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const names = entries.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
  return names.filter((name) => !name.endsWith(".map") && name !== "README.md").sort();
}

function imports(source: string): string[] {
  return [...new Set([...source.matchAll(/^import .*? from "([^"]+)"/gm)].map(([, name]) => name!))].sort();
}
