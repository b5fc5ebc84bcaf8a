/**
 * What a version has to remember beyond what the API keeps: the config that it was resolved from. It travels as one more
 * module, of text, that the code does not import; so it is there wherever the version is, and belongs to nobody's disk.
 */
import path from "node:path";
import type { StoredConfig } from "../../config/index.ts";
import type { Bundle, Environment, EnvironmentRef, Module, ModuleType } from "../../model.ts";
import type { EnvironmentSettings } from "../../store/records.ts";
import type { Manifest, Rules } from "./assets.ts";

export interface VersionRecord {
  format: 1;
  ref: EnvironmentRef;
  environment: Environment;
  config: StoredConfig;
  settings: EnvironmentSettings;
  exports: string[];
  /** Names of source maps and the like are not told by the network. */
  modules: { name: string; type: ModuleType }[];
  /** Static assets, so that they can be promoted. */
  assets?: Manifest;
  /** Their `_headers` and `_redirects`. */
  assetRules?: Rules;
}

/** Name of the module. */
export const RECORD = "troupe.json";

/** Paths are kept from the config's folder: the next machine has another one, and need not know about this. */
export function recordModule(record: VersionRecord): Module {
  const { dir } = record.environment;
  const kept = dir === "" ? record : withPaths(record, (file) => relativeTo(dir, file));
  return { name: RECORD, type: "text", contents: new TextEncoder().encode(JSON.stringify(kept)) };
}

/** @param dir the folder that paths start from here. @returns undefined when it is none that this troupe can read */
export function readRecord(contents: Uint8Array, dir: string): VersionRecord | undefined {
  try {
    const record = JSON.parse(new TextDecoder().decode(contents)) as VersionRecord;
    if (record.format !== 1) return undefined;
    return withPaths(record, (file) => (file.startsWith("\0") ? path.join(dir, file.slice(1)) : file));
  } catch {
    return undefined;
  }
}

function relativeTo(dir: string, file: string): string {
  return path.isAbsolute(file) ? `\0${path.relative(dir, file).split(path.sep).join("/")}` : file;
}

/** Every path of this machine that a record has, changed; whatever else begins with a slash may mean a route. */
function withPaths(record: VersionRecord, change: (file: string) => string): VersionRecord {
  const { environment, config } = record;
  const { build, written, bindings, main, userDir } = environment;
  const { baseDir, tsconfig, custom } = build;
  const each = (files: Record<string, string>) => mapValues(files, change);
  return {
    ...record,
    environment: {
      ...environment,
      configPath: change(environment.configPath),
      dir: change(environment.dir),
      ...(main !== undefined && { main: change(main) }),
      ...(userDir !== undefined && { userDir: change(userDir) }),
      written: mapValues(written, (place) => ({ ...place, file: change(place.file) })),
      bindings: bindings.map((binding) => {
        const { written: place } = binding;
        return { ...binding, written: { ...place, file: change(place.file) } };
      }),
      build: {
        ...build,
        ...(baseDir !== undefined && { baseDir: change(baseDir) }),
        ...(tsconfig !== undefined && { tsconfig: change(tsconfig) }),
        ...(custom && { custom: { ...custom, cwd: change(custom.cwd), watchDir: custom.watchDir.map(change) } }),
        wasmModules: each(build.wasmModules),
        textBlobs: each(build.textBlobs),
        dataBlobs: each(build.dataBlobs),
      },
    },
    config: {
      ...config,
      configPath: change(config.configPath),
      ...(config.files && {
        files: mapValues(config.files, (file) => ({ ...file, configPath: change(file.configPath) })),
      }),
    },
  };
}

function mapValues<T>(table: Record<string, T>, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(table).map(([key, value]) => [key, change(value)]));
}

/** Where there is a place for it: not in service-worker syntax, which has no modules, nor without code. */
export function takesRecord(environment: Environment, bundle: Bundle): boolean {
  return environment.main !== undefined && bundle.format === "modules";
}
