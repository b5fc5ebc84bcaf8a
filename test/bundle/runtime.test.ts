/** Bundles in the real runtime: what a module rule or a polyfill is worth shows only there. */

import path from "node:path";
import { Miniflare, type WorkerOptions } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBundler } from "../../src/bundle/index.ts";
import type { Bundle, Environment } from "../../src/model.ts";
import { environment, type Overrides, project, removeProjects, text, WASM, worker } from "./helpers.ts";

afterAll(removeProjects);

const common = {
  "node_modules/cjs/package.json": `{"name": "cjs", "main": "index.js"}`,
  "node_modules/cjs/index.js": `const lib = require("./lib"); exports.double = (n) => lib.twice(n); exports.events = typeof require("events").EventEmitter;`,
  "node_modules/cjs/lib.js": "exports.twice = (n) => n * 2;",
};

/** One folder, many services: each is an entry of its own. */
const files = {
  ...common,
  "src/files.ts": worker(
    "[t, new TextDecoder().decode(d), new WebAssembly.Instance(w).exports.add(2, 3), w2 === w, required, up, hidden]",
    `import t from "./t.txt"; import d from "./d.bin"; import w from "./add.wasm"; import w2 from "./add.wasm?module";
     import up from "../up.html"; import hidden from "pkg/hidden.txt"; const required = require("./sub/t.txt");`,
  ),
  "src/t.txt": "text",
  "src/sub/t.txt": "other text",
  "src/d.bin": "bytes",
  "src/add.wasm": WASM,
  "up.html": "<p>",
  "node_modules/pkg/hidden.txt": "hidden",
  "src/additional.ts": worker(
    "[en, s, (await import(name)).default]",
    `import en from "./lang/en.mjs"; import { s } from "./sub/s"; const name = "./lang/de.mjs";`,
  ),
  "src/sub/s.ts": `import fr from "../lang/fr.mjs"; import c from "./c.cjs"; export const s = [fr, c];`,
  "src/sub/c.cjs": "module.exports = 'c';",
  "src/lang/en.mjs": `import { half } from "./half.mjs"; export default "en" + half;`,
  "src/lang/half.mjs": "export const half = 0.5;",
  "src/lang/de.mjs": `export default "de";`,
  "src/lang/fr.mjs": `export default "fr";`,
  "src/script.js": `import t from "./t.txt"; addEventListener("fetch", (event) => event.respondWith(new Response(JSON.stringify(
    [t, NOTE, new TextDecoder().decode(DATA), new WebAssembly.Instance(WASM).exports.add(1, 1)]))));`,
  "src/node.ts": worker(
    `[fs.existsSync("/nowhere"), createHash("md5").update("a").digest("hex"), Buffer.from("a").toString("hex"), process.env.GREETING ?? null, typeof process.nextTick,
      typeof performance.markResourceTiming, cjs.double(21), cjs.events, path.join("a", "..", "b"), typeof required.readFile, typeof repl.start, isIP("::1")]`,
    `import fs from "fs"; import { createHash } from "node:crypto"; import { Buffer } from "buffer"; import cjs from "cjs"; import path from "node:path"; import repl from "node:repl";
     import { isIP } from "node:net"; const required = require("fs/promises");`,
  ),
  "src/v1.ts": worker(
    "[typeof Buffer.from, typeof AsyncLocalStorage]",
    `import { Buffer } from "node:buffer"; import { AsyncLocalStorage } from "node:async_hooks";`,
  ),
  "src/als.ts": worker("[typeof AsyncLocalStorage]", `import { AsyncLocalStorage } from "node:async_hooks";`),
  "src/common.js":
    "const { twice } = require('./twice'); module.exports = { fetch: () => new Response(JSON.stringify([twice(4)])) };",
  "src/twice.js": "exports.twice = (n) => n * 2;",
  "plain/index.js": `export * from "./more.js"; import t from "./t.txt"; export default { fetch: () => Response.json([t]) };`,
  "plain/more.js": "export class Extra {}",
  "plain/t.txt": "plain",
};

const rules = [
  { type: "ESModule" as const, globs: ["**/*.mjs"] },
  { type: "CommonJS" as const, globs: ["**/*.cjs"] },
];
const node = { main: "src/node.ts", compatibilityFlags: ["nodejs_compat"] };

const services: Record<string, (dir: string) => Overrides> = {
  files: () => ({ main: "src/files.ts" }),
  preserved: () => ({ main: "src/files.ts", build: { preserveFileNames: true } }),
  additional: () => ({ main: "src/additional.ts", build: { rules, findAdditionalModules: true } }),
  "additional-base": (dir) => ({
    main: "src/additional.ts",
    build: { rules, findAdditionalModules: true, baseDir: path.join(dir, "src") },
  }),
  script: (dir) => ({
    main: "src/script.js",
    build: {
      wasmModules: { WASM: path.join(dir, "src/add.wasm") },
      textBlobs: { NOTE: path.join(dir, "up.html") },
      dataBlobs: { DATA: path.join(dir, "src/d.bin") },
    },
  }),
  "node-2024": () => ({ ...node, compatibilityDate: "2024-09-23" }),
  "node-2025": () => ({
    ...node,
    compatibilityDate: "2025-06-01",
    compatibilityFlags: ["nodejs_compat", "nodejs_compat_do_not_populate_process_env"],
  }),
  "node-2026": () => ({ ...node, compatibilityDate: "2026-11-01", compatibilityFlags: [] }),
  v1: () => ({ main: "src/v1.ts", compatibilityDate: "2024-01-01", compatibilityFlags: ["nodejs_compat"] }),
  als: () => ({ main: "src/als.ts", compatibilityFlags: ["nodejs_als"] }),
  common: () => ({ main: "src/common.js" }),
  plain: () => ({
    main: "plain/index.js",
    build: { noBundle: true, rules: [{ type: "ESModule", globs: ["**/*.js"] }] },
  }),
};

const bundles = new Map<string, Bundle>();
let runtime: Miniflare;

beforeAll(async () => {
  const dir = project(files);
  const workers = await Promise.all(
    Object.entries(services).map(async ([name, overrides]) => {
      const settings = environment(dir, overrides(dir));
      const bundler = await createBundler(settings);
      const { bundle } = await bundler.build();
      await bundler.dispose();
      bundles.set(name, bundle);
      return workerOptions(name, settings, bundle);
    }),
  );
  runtime = new Miniflare({ host: "127.0.0.1", port: 0, cf: false, telemetry: { enabled: false }, workers });
  await runtime.ready;
}, 60_000);
afterAll(() => runtime?.dispose());

async function answer(name: string): Promise<unknown> {
  const service = (await runtime.getWorker(name)) as unknown as {
    fetch(url: string): Promise<{ json(): Promise<unknown> }>;
  };
  return (await service.fetch("http://example.com/")).json();
}

describe("a bundle in the runtime", () => {
  it.each(["files", "preserved"])("gives imported files as text, bytes and modules (%s)", async (name) => {
    expect(await answer(name)).toEqual(["text", "bytes", 5, true, "other text", "<p>", "hidden"]);
  });

  it.each(["additional", "additional-base"])("finds additional modules from everywhere (%s)", async (name) => {
    expect(await answer(name)).toEqual(["en0.5", ["fr", "c"], "de"]);
  });

  it("runs service-worker syntax, files and blobs as globals", async () => {
    expect(await answer("script")).toEqual(["text", "<p>", "bytes", 2]);
  });

  it.each([
    ["node-2024", null],
    ["node-2025", null],
    ["node-2026", "hello"],
  ])("has Node's modules, from the runtime or polyfilled (%s)", async (name, greeting) => {
    expect(await answer(name)).toEqual([
      false,
      "0cc175b9c0f1b6a831c399e269772661",
      "61",
      greeting,
      "function",
      "function",
      42,
      "function",
      "b",
      "function",
      "function",
      6,
    ]);
  });

  it("has what the older flags give", async () => {
    expect(await answer("v1")).toEqual(["function", "function"]);
    expect(await answer("als")).toEqual(["function"]);
  });

  it("runs an entry in CommonJS", async () => {
    expect(await answer("common")).toEqual([8]);
  });

  it("runs files as they are, with star exports known", async () => {
    expect(await answer("plain")).toEqual(["plain"]);
    expect(bundles.get("plain")?.exports.sort()).toEqual(["Extra", "default"]);
  });
});

function workerOptions(name: string, settings: Environment, bundle: Bundle): WorkerOptions {
  const { compatibilityDate, compatibilityFlags } = settings;
  const env = { GREETING: { type: "text", value: "hello" } } as const;
  if (bundle.format === "modules") {
    const modules = Object.fromEntries(
      bundle.modules.map(({ name, type, contents }) => [name, { type, contents: new Uint8Array(contents) }]),
    );
    return {
      config: {
        name,
        compatibilityDate,
        compatibilityFlags,
        env,
        manifest: { mainModule: bundle.mainModule, modules },
      },
    };
  }
  const [main, ...globals] = bundle.modules;
  const of = <T>(type: string, value: (module: (typeof globals)[number]) => T) =>
    Object.fromEntries(globals.filter((module) => module.type === type).map((module) => [module.name, value(module)]));
  const legacy = {
    serviceWorkerScript: text(main),
    wasmBindings: of("wasm", (module) => new Uint8Array(module.contents)),
    dataBlobBindings: of("data", (module) => new Uint8Array(module.contents)),
  };
  // Miniflare wants files for text blobs; a text binding is the same global variable.
  const texts = of("text", (module) => ({ type: "text" as const, value: text(module) }));
  return { config: { name, compatibilityDate, compatibilityFlags, env: { ...env, ...texts } }, legacy };
}
