/**
 * The program without the trial start of what is deployed: that takes two thirds of a command's time, in another process and
 * away from the store. Whoever kills commands at random moments then meets the store at work more often, for less.
 */
import { symlinkSync } from "node:fs";
import path from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { ROOT } from "../support/cli.ts";

const withoutTrial: Plugin = {
  name: "without-trial",
  setup({ onLoad }) {
    onLoad({ filter: /targets\/local\/trial\.ts$/ }, () => ({ contents: "export async function tryToStart() {}" }));
  },
};

/** Of those in scripts/build.mjs, which makes the real one. */
const OPTIONS: BuildOptions = {
  bundle: true,
  platform: "node",
  target: "node22",
  mainFields: ["module", "main"],
  plugins: [withoutTrial],
  logLevel: "silent",
};

/**
 * Builds it as scripts/build.mjs does: in chunks, and as the one file that most commands run.
 * @param folder becomes its package's folder
 * @returns the file to run
 */
export async function buildWithoutTrial(folder: string): Promise<string> {
  for (const name of ["package.json", "node_modules"]) symlinkSync(path.join(ROOT, name), path.join(folder, name));
  const outdir = path.join(folder, "dist");
  await build({
    ...OPTIONS,
    entryPoints: [path.join(ROOT, "src/bin.ts")],
    outdir,
    splitting: true,
    format: "esm",
    external: ["esbuild", "miniflare", "unenv", "@cloudflare/unenv-preset", "workerd"],
    define: { TROUPE_VERSION: '"test"' },
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
  await build({
    ...OPTIONS,
    entryPoints: [path.join(ROOT, "src/main.ts")],
    outfile: path.join(outdir, "main.cjs"),
    format: "cjs",
    supported: { "dynamic-import": false },
    external: ["esbuild", "miniflare", "workerd"],
    define: { TROUPE_VERSION: '"test"', "import.meta.url": "__moduleUrl" },
    banner: { js: 'const __moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
  });
  return path.join(outdir, "bin.js");
}
