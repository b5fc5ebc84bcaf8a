/**
 * How much of Node a Worker gets, by its compatibility date and flags.
 * The rules are the runtime's: https://developers.cloudflare.com/workers/configuration/compatibility-flags/#nodejs-compatibility-flag
 */
import { isBuiltin } from "node:module";
import { TroupeError } from "../errors.ts";
import type { Environment } from "../model.ts";
import { type Project, settingLocation } from "./project.ts";

/**
 * v2: the runtime's own modules, and polyfills for the rest and for globals · v1: the runtime's modules under `node:`
 * names only · als: `node:async_hooks` only · none: nothing.
 */
export type NodeCompat = "v2" | "v1" | "als" | "none";

/** `nodejs_compat` means v2 from this compatibility date on. */
const V2_SINCE = "2024-09-23";
/** `nodejs_compat` needs no flag from this compatibility date on. */
const DEFAULT_SINCE = "2026-08-04";

/** Which form of Node compatibility the date and flags of an environment mean. */
export function nodeCompat({
  compatibilityDate,
  compatibilityFlags,
}: Pick<Environment, "compatibilityDate" | "compatibilityFlags">): NodeCompat {
  const has = (flag: string) => compatibilityFlags.includes(flag);
  const byDate = compatibilityDate >= DEFAULT_SINCE;
  const enabled = has("nodejs_compat") || (byDate && !has("no_nodejs_compat"));
  const v2ByDate = byDate || (enabled && compatibilityDate >= V2_SINCE);
  if (has("nodejs_compat_v2") || (v2ByDate && !has("no_nodejs_compat_v2"))) return "v2";
  if (enabled) return "v1";
  return has("nodejs_als") ? "als" : "none";
}

/** Whether `navigator.userAgent` is there: https://developers.cloudflare.com/workers/configuration/compatibility-flags/#global-navigator */
export function hasNavigator({
  compatibilityDate,
  compatibilityFlags,
}: Pick<Environment, "compatibilityDate" | "compatibilityFlags">): boolean {
  if (compatibilityFlags.includes("global_navigator")) return true;
  return !compatibilityFlags.includes("no_global_navigator") && compatibilityDate >= "2022-03-21";
}

const CONTRADICTIONS = [
  ["nodejs_compat", "nodejs_compat_v2"],
  ["global_navigator", "no_global_navigator"],
] as const;

/** @throws TroupeError CONFIG for flags that contradict each other */
export async function checkFlags(project: Project): Promise<void> {
  const flags = project.environment.compatibilityFlags;
  const fault = async (message: string, note: string) =>
    new TroupeError("CONFIG", message, {
      location: await settingLocation(project, "compatibility_flags"),
      notes: [note],
    });
  if (flags.includes("experimental:nodejs_compat_v2")) {
    throw await fault(
      'The compatibility flag "experimental:nodejs_compat_v2" is no longer valid',
      'Write "nodejs_compat", with a compatibility date of 2024-09-23 or later',
    );
  }
  for (const [one, other] of CONTRADICTIONS) {
    if (!flags.includes(one) || !flags.includes(other)) continue;
    throw await fault(
      `The compatibility flags "${one}" and "${other}" exclude each other`,
      "Remove one of them from compatibility_flags",
    );
  }
}

/** `fs`, `node:fs`, `fs/promises`… */
export function isNodeBuiltin(specifier: string): boolean {
  return isBuiltin(specifier) || specifier.startsWith("node:");
}
