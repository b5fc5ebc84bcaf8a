/**
 * What a version has to remember beyond what the API keeps: the config that it was resolved from. It travels as one more
 * module, of text, that the code does not import; so it is there wherever the version is, and belongs to nobody's disk.
 */
import path from "node:path";
import type { StoredConfig } from "../../config/index.ts";
import type { Bundle, Environment, EnvironmentRef, Module, ModuleType } from "../../model.ts";
import type { EnvironmentSettings } from "../../store/records.ts";
import type { Manifest } from "./assets.ts";

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
}

export const RECORD = "troupe.json";

/** Paths are kept from the config's folder: the next machine has another one. */
export function recordModule(record: VersionRecord): Module {
  const { environment } = record;
  const relative = JSON.stringify(record, (_key, value: unknown) =>
    typeof value === "string" && (value === environment.dir || value.startsWith(environment.dir + path.sep))
      ? `\0${path.relative(environment.dir, value).split(path.sep).join("/")}`
      : value,
  );
  return { name: RECORD, type: "text", contents: new TextEncoder().encode(relative) };
}

/** @param dir the folder that paths start from here. @returns undefined when it is none that this troupe can read */
export function readRecord(contents: Uint8Array, dir: string): VersionRecord | undefined {
  try {
    const record = JSON.parse(new TextDecoder().decode(contents), (_key, value: unknown) =>
      typeof value === "string" && value.startsWith("\0") ? path.join(dir, value.slice(1)) : value,
    ) as VersionRecord;
    return record.format === 1 ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Where there is a place for it: not in service-worker syntax, which has no modules, nor without code. */
export function takesRecord(environment: Environment, bundle: Bundle): boolean {
  return environment.main !== undefined && bundle.format === "modules";
}
