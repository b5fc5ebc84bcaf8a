/** One resolved environment → its bundle. docs/bundling.md describes what comes out. */
import type { Environment } from "../model.ts";
import { assetsOnlyBundle } from "./assets-only.ts";
import type { BundleOptions, Bundler } from "./types.ts";

export { sourceFile, sourceMapName } from "./source-map.ts";
export type { BuildResult, BundleOptions, Bundler, Watched } from "./types.ts";

/**
 * @throws TroupeError CONFIG or USAGE for flags and settings that contradict each other. Faults of the code come from `build`.
 */
export async function createBundler(environment: Environment, options: BundleOptions = {}): Promise<Bundler> {
  const { main } = environment;
  if (main === undefined) return assetsOnlyBundler();
  const [{ EnvironmentBundler }, { resolveProject }, { checkFlags }] = await Promise.all([
    import("./bundler.ts"),
    import("./project.ts"),
    import("./node-compat.ts"),
  ]);
  const project = resolveProject({ ...environment, main }, options);
  await checkFlags(project);
  return new EnvironmentBundler(project);
}

function assetsOnlyBundler(): Bundler {
  return {
    watched: { inputs: [], folders: [] },
    build: async () => ({ bundle: assetsOnlyBundle(), inputs: [], inputFolders: [], warnings: [] }),
    dispose: async () => {},
  };
}
