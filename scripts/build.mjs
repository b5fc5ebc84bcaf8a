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
import { CHUNKS, WARM, WHOLE } from "./bundles.ts";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const dist = path.join(root, "dist");
const release = process.argv.includes("--release");

/** Chunks of the last day stay, but in a release: a troupe that is running may still have to import one. */
const LEFTOVERS_KEPT_MS = release ? 0 : 24 * 60 * 60 * 1000;

await bundle();
await bundleMiniflare();
await writeSchema();
if (release) await writeTypes();

async function bundle() {
  const [chunks, whole] = await Promise.all([
    build({ ...CHUNKS, metafile: true, write: false }),
    build({ ...WHOLE, write: false }),
  ]).catch(() => process.exit(1)); // esbuild has said why
  for (const file of [...chunks.outputFiles, ...whole.outputFiles]) await writeIfChanged(file.path, file.contents);
  // Which source went where; tests ask it what a command loads.
  await writeIfChanged(path.join(dist, "metafile.json"), Buffer.from(JSON.stringify(chunks.metafile)));
  await removeLeftovers(new Set(chunks.outputFiles.map((file) => file.path)));
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
