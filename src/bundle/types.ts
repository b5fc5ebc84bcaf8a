import type { Diagnostic, Location } from "../errors.ts";
import type { BuildSettings, Bundle } from "../model.ts";

export interface BuildResult {
  bundle: Bundle;
  /** Absolute paths of every file that was really read, for watching (config files not included). */
  inputs: string[];
  /** Folders to watch as well: `find_additional_modules` roots, `[build] watch_dir`. Absolute. */
  inputFolders: string[];
  warnings: Diagnostic[];
}

/** Everything whose change can make the next build come out differently. Sorted, absolute, without doubles. */
export interface Watched {
  /** Files; after a failed build also files that don't exist yet but that an import looked for. */
  inputs: string[];
  /** Folders with everything below them. */
  folders: string[];
}

/** Builds one environment again and again, fast: keeps esbuild's context warm between builds. */
export interface Bundler {
  /**
   * Builds of one bundler run one after another, in the order they were asked for.
   * @param changed files known to have changed since the last build (absolute); lets the bundler skip the custom
   *   `[build]` command when none of its inputs is among them. Undefined: build everything.
   * @throws TroupeError BUILD carrying one diagnostic per esbuild error, with location
   */
  build(changed?: readonly string[]): Promise<BuildResult>;
  /** As of the last build, also when it failed; before the first one: what is known without building. */
  readonly watched: Watched;
  /** Stops a running `[build]` command with its children, and frees esbuild's context. Safe to call twice. */
  dispose(): Promise<void>;
}

export interface BundleOptions {
  /** Adds source maps to the modules (as modules of type `sourcemap`). Default true. */
  sourceMaps?: boolean;
  /** Overrides of the command line, over the config: `--define`, `--alias`, `--minify`, `--no-bundle`. */
  overrides?: Partial<BuildSettings>;
  /** Becomes `process.env.NODE_ENV` in the code unless `processEnv` has a NODE_ENV of its own. Default "production". */
  mode?: "development" | "production";
  /** NODE_ENV, WRANGLER_BUILD_CONDITIONS and WRANGLER_BUILD_PLATFORM count; and it is the environment of `[build] command`. */
  processEnv?: Record<string, string | undefined>;
  /** Gets each line that `[build] command` prints, as it comes. */
  onCommandOutput?(line: string): void;
  /** Finds the place in the config file of a dotted key ("main", "build.command"), for errors about a setting. */
  locate?(key: string): Location | undefined | Promise<Location | undefined>;
}
