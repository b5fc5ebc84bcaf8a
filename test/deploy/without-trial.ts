/**
 * The program without the trial start of what is deployed: that takes two thirds of a command's time, in another process and
 * away from the store. Whoever kills commands at random moments then meets the store at work more often, for less.
 */
import { symlinkSync } from "node:fs";
import path from "node:path";
import { build, type Plugin } from "esbuild";
import { CHUNKS, WHOLE } from "../../scripts/bundles.ts";
import { ROOT } from "../support/cli.ts";

const withoutTrial: Plugin = {
  name: "without-trial",
  setup({ onLoad }) {
    onLoad({ filter: /targets\/local\/trial\.ts$/ }, () => ({ contents: "export async function tryToStart() {}" }));
  },
};

/**
 * Builds it as scripts/build.mjs does.
 * @param folder becomes its package's folder
 * @returns the file to run
 */
export async function buildWithoutTrial(folder: string): Promise<string> {
  for (const name of ["package.json", "node_modules"]) symlinkSync(path.join(ROOT, name), path.join(folder, name));
  const outdir = path.join(folder, "dist");
  await Promise.all(
    [CHUNKS, WHOLE].map((options) => build({ ...options, outdir, plugins: [...options.plugins, withoutTrial] })),
  );
  return path.join(outdir, "bin.js");
}
