/** `env set` and `env unset`: values laid over the config of one environment. */
import { BUILD_KEYS } from "../config/index.ts";
import { type Diagnostic, TroupeError } from "../errors.ts";
import { refId } from "../model.ts";
import type { ChangeReport } from "../targets/target.ts";
import { changeOptions, type VerbOptions } from "./environments.ts";
import { chosenService, withTarget } from "./target.ts";

export interface SettingsReport extends ChangeReport {
  service: string;
  name: string;
  settings: Record<string, unknown>;
}

/**
 * Lays values over the config of an environment, or takes them away again.
 * @param set dotted config key → value as typed: JSON where it is JSON, else a string
 * @throws TroupeError NOT_FOUND, CONFIG for settings that make no sense
 */
export async function changeSettings(
  options: VerbOptions,
  name: string,
  change: { set?: [string, string][]; unset?: string[] },
): Promise<SettingsReport> {
  const keys = [...(change.set ?? []).map(([key]) => key), ...(change.unset ?? [])];
  if (change.set?.some(([key]) => key === "name")) throw unsettableName();
  return withTarget(options, {}, async (open) => {
    const ref = { service: await chosenService(open, options), environment: name };
    const { settings: before } = await open.target.read(ref);
    const settings = structuredClone(before);
    for (const [key, value] of change.set ?? []) put(settings, key.split("."), parsed(key, value));
    for (const key of change.unset ?? []) {
      if (take(settings, key.split("."))) continue;
      throw new TroupeError("NOT_FOUND", `${refId(ref)} has no setting ${key}`, {
        notes: [`set: ${Object.keys(flat(before)).join(", ") || "nothing"}`],
      });
    }
    const request = { ref, settings, ...(await changeOptions(options)) };
    const report = await open.target.changeSettings(request).catch((error: unknown) => {
      throw withoutPlaces(error);
    });
    const warnings = [...report.warnings, ...notYet(refId(ref), keys)];
    return { ...report, warnings, service: ref.service, name, settings };
  });
}

function unsettableName(): TroupeError {
  return new TroupeError("USAGE", "A service has one name in all its environments: it cannot be set for one of them", {
    notes: ["To give an environment another name: troupe env rename <from> <to>"],
  });
}

/** What counts when code is built does nothing to code that is built already. */
function notYet(id: string, keys: readonly string[]): Diagnostic[] {
  return keys
    .filter((key) => BUILD_KEYS.includes(key.split(".")[0]!))
    .map((key) => {
      const message = `${key} counts when code is built: ${id} runs what it has until the next deploy to it`;
      return { severity: "warning", code: "next-build", message };
    });
}

/** What is wrong with a setting stands in no file: a place in the config would send people to the wrong one. */
function withoutPlaces(error: unknown): unknown {
  if (!(error instanceof TroupeError) || error.code !== "CONFIG") return error;
  const { message, notes, diagnostics } = error;
  return new TroupeError("CONFIG", message, {
    notes,
    diagnostics: diagnostics.map(({ location: _, ...rest }) => rest),
  });
}

/** Variables are text unless they look like JSON of another kind. */
function parsed(key: string, value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    if (/^[[{]/.test(value)) throw new TroupeError("USAGE", `The value of ${key} is no valid JSON: ${value}`);
    return value;
  }
}

function put(table: Record<string, unknown>, [key, ...rest]: string[], value: unknown): void {
  if (!key) throw new TroupeError("USAGE", "A setting is KEY=VALUE, with KEY as in the config: vars.GREETING=hello");
  if (rest.length === 0) {
    Object.defineProperty(table, key, { value, enumerable: true, configurable: true, writable: true });
    return;
  }
  const below = Object.hasOwn(table, key) ? table[key] : undefined;
  const inner = isTable(below) ? below : {};
  Object.defineProperty(table, key, { value: inner, enumerable: true, configurable: true, writable: true });
  put(inner, rest, value);
}

function take(table: Record<string, unknown>, [key, ...rest]: string[]): boolean {
  if (key === undefined || !Object.hasOwn(table, key)) return false;
  if (rest.length === 0) return delete table[key];
  const below = table[key];
  if (!isTable(below) || !take(below, rest)) return false;
  if (Object.keys(below).length === 0) delete table[key];
  return true;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Dotted key → value. */
export function flat(table: Record<string, unknown>, prefix = ""): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(table).flatMap(([key, value]) =>
      isTable(value) && Object.keys(value).length > 0
        ? Object.entries(flat(value, `${prefix}${key}.`))
        : [[`${prefix}${key}`, value]],
    ),
  );
}
