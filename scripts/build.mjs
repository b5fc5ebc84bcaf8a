/**
 * Makes dist/: the command (bin.js) and the library (index.js), with everything bundled that is not listed in
 * `dependencies`, and the JSON Schema of troupe.toml. With `--release` (what `npm pack` runs) also the type
 * declarations, and nothing left over from earlier builds.
 */
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const dist = path.join(root, "dist");
const release = process.argv.includes("--release");
const manifest = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));

/** Chunks of the last day stay, but in a release: a troupe that is running may still have to import one. */
const LEFTOVERS_KEPT_MS = release ? 0 : 24 * 60 * 60 * 1000;

/**
 * `import` of one of these makes Node read each of its properties, and so load what they stand for: all of its own undici
 * for node:http (https://github.com/nodejs/node/blob/main/lib/http.js). Taken as they are, they cost nothing.
 */
const plainBuiltins = {
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

/** How our own sources are bundled, whatever they become. */
const SOURCES = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  platform: "node",
  target: "node22",
  // The CommonJS form of some packages (jsonc-parser) hides its own files from a bundler.
  mainFields: ["module", "main"],
  alias: { "string-width": path.join(root, "scripts/string-width.mjs") },
  plugins: [plainBuiltins],
  external: [...Object.keys(manifest.dependencies), "workerd"],
  legalComments: "linked",
  write: false,
  logLevel: "warning",
};
const DEFINE = { TROUPE_VERSION: JSON.stringify(manifest.version) };

/** CommonJS that runs from a warm cache (src/lib/warm-module.ts): the fewer bytes, the faster it is read. */
const WARM = {
  format: "cjs",
  minifyWhitespace: true,
  // Node warns of import() in code from a cache, and can `require` whatever is imported here.
  supported: { "dynamic-import": false },
};

await bundle();
await bundleMain();
await bundleMiniflare();
await writeSchema();
if (release) await writeTypes();

async function bundle() {
  const result = await build({
    ...SOURCES,
    // The plugin is a file of its own because Miniflare loads it by its path.
    entryPoints: { bin: "src/bin.ts", index: "src/index.ts", "queue-plugin": "src/bindings/queue-plugin.ts" },
    chunkNames: "chunks/[name]-[hash]",
    splitting: true,
    format: "esm",
    define: DEFINE,
    // CommonJS packages inside an ES module still call `require` for Node's own modules.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    // For stack traces under --verbose; the sources themselves would double the package.
    sourcemap: "linked",
    sourcesContent: false,
    metafile: true,
  }).catch(() => process.exit(1)); // esbuild has said why
  for (const file of result.outputFiles) await writeIfChanged(file.path, file.contents);
  // Which source went where; tests ask it what a command loads.
  await writeIfChanged(path.join(dist, "metafile.json"), Buffer.from(JSON.stringify(result.metafile)));
  await removeLeftovers(new Set(result.outputFiles.map((file) => file.path)));
}

/** The whole program as one file, for `dev` (src/bin.ts). */
async function bundleMain() {
  const { outputFiles } = await build({
    ...SOURCES,
    ...WARM,
    entryPoints: { main: "src/main.ts" },
    outExtension: { ".js": ".cjs" },
    // What cannot be required (unenv, its preset) is in it.
    external: ["esbuild", "miniflare", "workerd"],
    define: { ...DEFINE, "import.meta.url": "__moduleUrl" },
    banner: { js: 'const __moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
  }).catch(() => process.exit(1));
  for (const file of outputFiles) await writeIfChanged(file.path, file.contents);
}

/**
 * Miniflare with the packages it needs, as one file without the blanks: that loads in two thirds of the time. It runs in the
 * place of the installed one (src/runtime/miniflare.ts), which still has the Workers that belong to it.
 */
async function bundleMiniflare() {
  const { resolve } = createRequire(import.meta.url);
  const entry = resolve("miniflare");
  const { version } = JSON.parse(await readFile(path.join(path.dirname(entry), "../../package.json"), "utf8"));
  const outfile = path.join(dist, `miniflare-${version}.cjs`);
  if (!release && (await stat(outfile).catch(() => undefined))) return;
  const { outputFiles } = await build({
    entryPoints: [entry],
    outfile,
    ...WARM,
    bundle: true,
    platform: "node",
    target: "node22",
    // Binaries, what only few need, and what `ws` looks for and gets along without.
    external: ["workerd", "sharp", "youch", "bufferutil", "utf-8-validate"],
    legalComments: "linked",
    write: false,
    logLevel: "warning",
  }).catch(() => process.exit(1));
  for (const file of outputFiles) await writeIfChanged(file.path, file.contents);
}

/** At one stroke, because another process may be reading it; and not at all when it would stay the same. */
async function writeIfChanged(file, contents) {
  const old = await readFile(file).catch(() => undefined);
  if (old?.equals(contents)) return;
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, contents, { mode: path.basename(file) === "bin.js" ? 0o755 : 0o644 });
  await rename(temporary, file);
}

async function removeLeftovers(current) {
  const chunks = path.join(dist, "chunks");
  for (const name of await readdir(chunks)) {
    const file = path.join(chunks, name);
    if (!current.has(file) && Date.now() - (await stat(file)).mtimeMs > LEFTOVERS_KEPT_MS) await rm(file);
  }
}

async function writeSchema() {
  const { configSchema } = await import("../src/config/index.ts");
  await writeIfChanged(
    path.join(dist, "config-schema.json"),
    Buffer.from(`${JSON.stringify(await configSchema(), null, 2)}\n`),
  );
}

/** Declarations of what index.ts exports, and of what those mention; the rest of the sources stays ours. */
async function writeTypes() {
  const types = path.join(dist, "types");
  await rm(types, { recursive: true, force: true });
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  // npm pack --json wants stdout for itself.
  execFileSync(process.execPath, [tsc, "--project", path.join(root, "tsconfig.types.json")], {
    stdio: ["ignore", 2, 2],
  });
  const mentioned = new Set();
  await follow(path.join(types, "index.d.ts"), mentioned);
  for (const entry of await readdir(types, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && !mentioned.has(file)) await rm(file);
  }
}

async function follow(file, seen) {
  if (seen.has(file)) return;
  seen.add(file);
  for (const [, to] of (await readFile(file, "utf8")).matchAll(/(?:from|import\() ?"(\.[^"]+)\.ts"/g)) {
    await follow(path.resolve(path.dirname(file), `${to}.d.ts`), seen);
  }
}
