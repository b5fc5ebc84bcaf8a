/** One troupe.toml → one Service. */
import path from "node:path";
import { type Environment, PRODUCTION, type Service } from "../model.ts";
import { check } from "./check.ts";
import { environmentOf } from "./environment.ts";
import { Faults } from "./faults.ts";
import type { FoundConfig } from "./find.ts";
import { display } from "./issues.ts";
import { SETTING_KEYS } from "./keys.ts";
import { serviceName, serviceNameFault } from "./names.ts";
import type { LoadedService, ServiceOptions } from "./service.ts";
import { plain, type SourcedTable } from "./sourced.ts";
import { type FileTables, type ResolvedTree, tablesOf } from "./tables.ts";
import { resolveTroupe, resolveUnwritten } from "./troupe-dialect.ts";

/** A service of a troupe.toml, with all its environments. */
export function loadTroupe(
  { file }: FoundConfig,
  raw: Record<string, unknown>,
  options: ServiceOptions,
): LoadedService {
  const tables = readTables(file, raw, options.faults);
  const name = serviceName(tables.top, file, "troupe", options.faults);
  const trees = new Map<string, SourcedTable>();
  const environments: Record<string, Environment> = {};
  for (const resolved of resolveTroupe(tables, options.faults)) {
    trees.set(resolved.environment, resolved.tree);
    environments[resolved.environment] = environmentFrom(resolved, name, file, options);
  }
  const service: Service = {
    name,
    dialect: "troupe",
    configPath: file,
    dir: path.dirname(file),
    environments,
    defaultEnvironment: options.env && Object.hasOwn(environments, options.env) ? options.env : PRODUCTION,
    source: raw,
  };
  return { service, trees };
}

/**
 * Resolves an environment that a service's file need not mention: it inherits everything then, with editions of its own.
 * @param base the environment it starts from (default: the top level), for one that the file does not mention
 * @returns the environment, and what is wrong with it
 */
export function resolveEnvironment(
  service: Pick<Service, "name" | "configPath" | "source">,
  environment: string,
  base?: string,
): { environment: Environment; faults: Faults } {
  const faults = new Faults();
  const today = new Date().toISOString().slice(0, 10);
  // Whoever resolves a version again need not have its sources: only the config counts.
  const options = { today, mainGiven: true, faults };
  const tables = readTables(service.configPath, service.source, faults);
  const written = environment === PRODUCTION || tables.environments.has(environment);
  const resolved = written
    ? resolveTroupe(tables, faults).find((each) => each.environment === environment)!
    : resolveUnwritten(tables, environment, base, faults);
  return { environment: environmentFrom(resolved, service.name, service.configPath, options), faults };
}

/** The tables of a file, without what belongs to the file as a whole. */
function readTables(file: string, raw: Record<string, unknown>, faults: Faults): FileTables {
  const { top, environments } = tablesOf(raw, { file, path: [], environment: PRODUCTION }, "troupe", faults);
  const entries = new Map(top.entries);
  for (const [key, { troupe, schema }] of Object.entries(SETTING_KEYS)) {
    const node = troupe === "top-level" ? entries.get(key) : undefined;
    if (!node) continue;
    check(node, schema, "troupe", faults);
    entries.delete(key);
  }
  return { top: { ...top, entries }, environments };
}

function environmentFrom(resolved: ResolvedTree, service: string, file: string, options: ServiceOptions): Environment {
  const { environment, scriptName: written } = resolved;
  const own = written && plain(written);
  const derived = environment === PRODUCTION ? service : `${service}-${environment}`;
  const scriptName = typeof own === "string" ? own : derived;
  const fault = own === scriptName ? serviceNameFault(scriptName) : undefined;
  if (fault) options.faults.error("invalid-name", `\`${display(written!.written.path)}\` ${fault}`, written!.written);
  const { today, mainGiven, faults } = options;
  return environmentOf(resolved, {
    service,
    scriptName,
    dialect: "troupe",
    configPath: file,
    today,
    mainGiven,
    faults,
  });
}
