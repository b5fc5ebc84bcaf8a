/** What esbuild is told of our own sources, for scripts/build.mjs and for tests that build them in a way of their own. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { BuildOptions, Plugin } from "esbuild";
import manifest from "../package.json" with { type: "json" };

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * `import` of one of these makes Node read each of its properties, and so load what they stand for: all of its own undici
 * for node:http (https://github.com/nodejs/node/blob/main/lib/http.js). Taken as they are, they cost nothing.
 */
const plainBuiltins: Plugin = {
  name: "plain-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:https?$/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "plain-builtins" } : undefined,
    );
    onLoad({ filter: /./, namespace: "plain-builtins" }, ({ path }) => {
      const own = Object.entries(Object.getOwnPropertyDescriptors(process.getBuiltinModule(path)));
      const names = own.filter(([, descriptor]) => "value" in descriptor).map(([name]) => name);
      const lines = names.map((name) => `export const ${name} = builtin.${name};`);
      return {
        contents: `const builtin = process.getBuiltinModule("${path}");\nexport default builtin;\n${lines.join("\n")}`,
      };
    });
  },
};

const SOURCES = {
  absWorkingDir: root,
  outdir: path.join(root, "dist"),
  bundle: true,
  platform: "node",
  target: "node22",
  // The CommonJS form of some packages (jsonc-parser) hides its own files from a bundler.
  mainFields: ["module", "main"],
  alias: { "string-width": path.join(root, "scripts/string-width.mjs") },
  plugins: [plainBuiltins],
  legalComments: "linked",
  logLevel: "warning",
} satisfies BuildOptions;
const DEFINE = { TROUPE_VERSION: JSON.stringify(manifest.version) };

/** CommonJS that runs from a warm cache (src/lib/warm-module.ts): the fewer bytes, the faster it is read. */
export const WARM = {
  format: "cjs",
  minifyWhitespace: true,
  // Node warns of import() in code from a cache, and can `require` whatever is imported here.
  supported: { "dynamic-import": false },
} satisfies BuildOptions;

/** The command and the library, in chunks that are loaded when they are needed. */
export const CHUNKS = {
  ...SOURCES,
  // The plugin is a file of its own because Miniflare loads it by its path.
  entryPoints: { bin: "src/bin.ts", index: "src/index.ts", "queue-plugin": "src/bindings/queue-plugin.ts" },
  chunkNames: "chunks/[name]-[hash]",
  splitting: true,
  format: "esm",
  external: [...Object.keys(manifest.dependencies), "workerd"],
  define: DEFINE,
  // CommonJS packages inside an ES module still call `require` for Node's own modules.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  // For stack traces under --verbose; the sources themselves would double the package.
  sourcemap: "linked",
  sourcesContent: false,
} satisfies BuildOptions;

/** The whole program as one file, for most commands (src/bin.ts). */
export const WHOLE = {
  ...SOURCES,
  ...WARM,
  entryPoints: { main: "src/main.ts" },
  outExtension: { ".js": ".cjs" },
  // What cannot be required (unenv, its preset) is in it.
  external: ["esbuild", "miniflare", "workerd"],
  define: { ...DEFINE, "import.meta.url": "__moduleUrl" },
  banner: { js: 'const __moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
} satisfies BuildOptions;
