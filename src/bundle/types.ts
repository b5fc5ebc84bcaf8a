import type { Diagnostic } from "../errors.ts";
import type { Bundle } from "../model.ts";

export interface BuildResult {
  bundle: Bundle;
  /** Absolute paths of every file that was really read, for watching (config files not included). */
  inputs: string[];
  /** Folders to watch as well: `find_additional_modules` roots, `[build] watch_dir`. Absolute. */
  inputFolders: string[];
  warnings: Diagnostic[];
}

/** Builds one environment again and again, fast: keeps esbuild's context warm between builds. */
export interface Bundler {
  /**
   * @param changed files known to have changed since the last build (absolute); lets the bundler skip the custom
   *   `[build]` command when none of its inputs is among them. Undefined: build everything.
   * @throws TroupeError BUILD carrying one diagnostic per esbuild error, with location
   */
  build(changed?: readonly string[]): Promise<BuildResult>;
  dispose(): Promise<void>;
}

export interface BundleOptions {
  /** Adds source maps to the modules (as modules of type `sourcemap`). Default true. */
  sourceMaps?: boolean;
  /** Overrides of the command line, over the config: `--define`, `--alias`, `--minify`, `--no-bundle`. */
  overrides?: Partial<import("../model.ts").BuildSettings>;
}
