import { existsSync, realpathSync } from "node:fs";
import path from "node:path";
import { type Diagnostic, type Location, TroupeError } from "../errors.ts";
import type { BuildSettings, Environment } from "../model.ts";
import type { BundleOptions } from "./types.ts";

/** One environment to build, with the command line's wishes applied: what all of `bundle/` reads. */
export interface Project {
  environment: Environment;
  /**
   * The config file's folder, free of symbolic links. esbuild names files by their real paths, so a folder reached
   * through a link would put the link's place on this machine into the bundle.
   */
  dir: string;
  /** Absolute path of the entry as configured; it may not exist. */
  main: string;
  settings: BuildSettings;
  sourceMaps: boolean;
  /** What `process.env.NODE_ENV` becomes. */
  nodeEnv: string;
  conditions: string[];
  platform: "browser" | "node" | "neutral" | undefined;
  options: BundleOptions;
}

/** Conditions of package.json `exports`, in Wrangler's order. */
const CONDITIONS = ["workerd", "worker", "browser"];
const PLATFORMS = ["browser", "node", "neutral"] as const;

/** @throws TroupeError USAGE for a WRANGLER_BUILD_PLATFORM that esbuild doesn't have */
export function resolveProject(environment: Environment & { main: string }, options: BundleOptions): Project {
  const { overrides = {}, processEnv = {}, mode = "production" } = options;
  const dir = existsSync(environment.dir) ? realpathSync(environment.dir) : environment.dir;
  const rebase = (file: string) => path.resolve(dir, path.relative(environment.dir, file));
  const merged = { ...environment.build, ...overrides };
  const { baseDir, tsconfig } = merged;
  const platform = processEnv.WRANGLER_BUILD_PLATFORM;
  const knownPlatform = PLATFORMS.find((known) => known === platform);
  if (platform && !knownPlatform) {
    throw new TroupeError(
      "USAGE",
      `WRANGLER_BUILD_PLATFORM is "${platform}", which is none of ${PLATFORMS.join(", ")}`,
    );
  }
  return {
    environment,
    dir,
    main: rebase(environment.main),
    settings: {
      ...merged,
      define: { ...environment.build.define, ...overrides.define },
      alias: { ...environment.build.alias, ...overrides.alias },
      ...(baseDir && { baseDir: rebase(baseDir) }),
      ...(tsconfig && { tsconfig: rebase(tsconfig) }),
    },
    // `upload_source_maps = false`: none leaves the machine. What runs here while it is written needs them all the same.
    sourceMaps: options.sourceMaps ?? (mode !== "production" || environment.build.uploadSourceMaps),
    nodeEnv: processEnv.NODE_ENV || mode,
    conditions: processEnv.WRANGLER_BUILD_CONDITIONS?.split(",").filter(Boolean) ?? CONDITIONS,
    platform: knownPlatform,
    options,
  };
}

/** The folder whose files `find_additional_modules` names and looks at. */
export function moduleRoot(project: Project): string {
  return project.settings.baseDir ?? path.dirname(project.main);
}

/** Where a setting was written: its line if the caller can find lines, else the config file. */
export async function settingLocation(project: Project, key: string): Promise<Location> {
  return (await project.options.locate?.(key)) ?? { file: project.environment.configPath, line: 1, column: 1 };
}

/** An error about a setting rather than about the code. */
export async function settingError(
  project: Project,
  key: string,
  message: string,
  notes: string[],
): Promise<TroupeError> {
  const location = await settingLocation(project, key);
  const diagnostic: Diagnostic = { severity: "error", code: "build-setting", message, location, notes };
  return new TroupeError("BUILD", message, { location, notes, diagnostics: [diagnostic] });
}

/** Path from the config's folder, for people and for names: with `/` on every system. */
export function relativePath(project: Project, file: string): string {
  return posixRelative(project.dir, file);
}

/** The path from a folder to a file, with `/` on every system. */
export function posixRelative(from: string, to: string): string {
  return path.relative(from, to).split(path.sep).join("/");
}

/** The config file's name, for notes: "wrangler.toml". */
export function configName(project: Project): string {
  return path.basename(project.environment.configPath);
}
