/** What the runtime says, at the place in the user's own files that it is about: the runtime knows no config files. */
import { readFile } from "node:fs/promises";
import { locate } from "../../config/index.ts";
import type { Diagnostic, Location } from "../../errors.ts";
import type { Environment } from "../../model.ts";
import type { RuntimeWarning } from "../../runtime/types.ts";
import { settingLocator } from "../setting-location.ts";
import type { Plan } from "./plan.ts";
import type { DevOptions } from "./types.ts";

/** @returns a warning with its line, if a line of the config is what it is about */
export async function placeWarning(
  { written, ...warning }: RuntimeWarning,
  plan: Plan,
  given: DevOptions,
): Promise<Diagnostic> {
  if (written) return { ...warning, location: warning.location ?? (await locate(written)) };
  if (warning.code !== "compatibility-date" || warning.location) return warning;
  const [, environment] =
    [...plan.graph.environments].find(
      ([id, { service, compatibilityDate }]) =>
        warning.message.startsWith(`${service}: compatibility date ${compatibilityDate} `) &&
        !(given.overrides?.compatibilityDate && plan.overridden.includes(id)),
    ) ?? [];
  return at(warning, environment && (await settingLocator(environment)("compatibility_date")));
}

/** What workerd says of an export that is no entrypoint. */
const NO_ENTRYPOINT = /^(\S+) throws when it starts: TypeError: Incorrect type for map entry '([^']+)'/;
const NO_FLAG = /^(\S+) does not start: No such compatibility flag: /;

/** @returns an error about the start in words for the user, with its line */
export async function placeStartError(error: Diagnostic, { graph }: Plan): Promise<Diagnostic> {
  const named = (service: string | undefined): Environment | undefined =>
    [...graph.environments.values()].find((environment) => environment.service === service);
  const flagged = named(NO_FLAG.exec(error.message)?.[1]);
  if (flagged) return at(error, await settingLocator(flagged)("compatibility_flags"));
  const [, service, exported] = NO_ENTRYPOINT.exec(error.message) ?? [];
  const environment = named(service);
  if (!environment?.main || exported === undefined) return error;
  return {
    ...error,
    message: `${service} exports "${exported}", which is no function, class or object of handlers`,
    location: error.location ?? (await exportLine(environment.main, exported)),
    notes: ["Everything that the entry file exports can be called from outside: keep other values in other files"],
  };
}

async function exportLine(file: string, name: string): Promise<Location> {
  const lines = (await readFile(file, "utf8").catch(() => "")).split("\n");
  const exported = new RegExp(`\\bexport\\b.*\\b${name.replace(/\W/g, "\\$&")}\\b`);
  const index = lines.findIndex((line) => exported.test(line));
  if (index < 0) return { file, line: 1, column: 1 };
  return { file, line: index + 1, column: lines[index]!.indexOf(name) + 1, length: name.length };
}

function at(diagnostic: Diagnostic, location: Location | undefined): Diagnostic {
  return location ? { ...diagnostic, location } : diagnostic;
}
