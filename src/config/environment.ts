/** The last step: one resolved tree, checked, becomes one Environment of the model. */
import path from "node:path";
import type { Dialect, Environment, Migration, Route, Written } from "../model.ts";
import { type BindingScope, readBindings, validateBindings } from "./bindings.ts";
import { buildSettings } from "./build-settings.ts";
import { check } from "./check.ts";
import type { Faults } from "./faults.ts";
import { BINDING_GROUPS, bindingListAt, SETTING_KEYS } from "./keys.ts";
import { entryName } from "./merge.ts";
import type { Sourced, SourcedTable } from "./sourced.ts";
import type { ResolvedTree } from "./tables.ts";
import { checkTogether } from "./together.ts";

export interface EnvironmentContext {
  service: string;
  scriptName: string;
  dialect: Dialect;
  configPath: string;
  /** Where local variables lie, when it is not the config's own folder. */
  userDir?: string;
  /** What stands in for a missing `compatibility_date`, YYYY-MM-DD. */
  today: string;
  /** True when the command line names the entry file: `main` need not be right then. */
  mainGiven: boolean;
  faults: Faults;
}

/** Checks a tree and makes the model of it. What is wrong is reported and left out. */
export function environmentOf({ tree, environment, tables }: ResolvedTree, context: EnvironmentContext): Environment {
  const { service, scriptName, dialect, configPath, userDir, faults } = context;
  const dir = path.dirname(configPath);
  const settings = checkedSettings(tree, dialect, faults);
  const scope: BindingScope = { service, environment, dialect, tables, faults };
  const { bindings, settings: besideBindings } = readBindings(tree, scope);
  const main = settings.main === undefined ? undefined : path.resolve(dir, settings.main as string);
  const made: Environment = {
    service,
    name: environment,
    scriptName,
    dialect,
    configPath,
    dir,
    ...(userDir !== undefined && { userDir }),
    ...(main !== undefined && { main }),
    compatibilityDate: (settings.compatibility_date as string | undefined) ?? context.today,
    compatibilityFlags: (settings.compatibility_flags ?? []) as string[],
    bindings,
    crons: (settings.triggers as { crons?: string[] } | undefined)?.crons ?? [],
    routes: routesOf(settings),
    ...(settings.workers_dev !== undefined && { workersDev: settings.workers_dev as boolean }),
    protected: settings.protected === true,
    migrations: (settings.migrations ?? []) as Migration[],
    build: buildSettings(settings, dir),
    settings: { ...remaining(settings), ...besideBindings },
    written: writtenPaths(tree),
  };
  checkTogether(made, settings, tree, context);
  validateBindings(made, tree, faults);
  return made;
}

function checkedSettings(tree: SourcedTable, dialect: Dialect, faults: Faults): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [key, node] of tree.entries) {
    const setting = BINDING_GROUPS.has(key) ? undefined : SETTING_KEYS[key];
    const value = setting && check(node, setting.schema, dialect, faults);
    if (value !== undefined) settings[key] = value;
  }
  return settings;
}

function remaining(settings: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !SETTING_KEYS[key]?.modelled));
}

function routesOf({ route, routes }: Record<string, unknown>): Route[] {
  const written = (routes ?? (route === undefined ? [] : [route])) as unknown[];
  return written.map((each) => {
    if (typeof each === "string") return { pattern: each };
    const { pattern, custom_domain, zone_name, zone_id, enabled, previews_enabled } = each as Record<string, unknown>;
    return {
      pattern: pattern as string,
      ...(custom_domain !== undefined && { customDomain: custom_domain as boolean }),
      ...(zone_name !== undefined && { zoneName: zone_name as string }),
      ...(zone_id !== undefined && { zoneId: zone_id as string }),
      ...(enabled !== undefined && { enabled: enabled as boolean }),
      ...(previews_enabled !== undefined && { previewsEnabled: previews_enabled as boolean }),
    };
  });
}

/** Every key by its dotted path, entries of binding lists by their names: "vars.GREETING", "kv_namespaces.CACHE.id". */
function writtenPaths(tree: SourcedTable): Record<string, Written> {
  const paths: Record<string, Written> = {};
  for (const { key, node } of walk(tree, [])) paths[key.join(".")] = node.written;
  return paths;
}

/** Every node below a table, with its dotted path. */
export function* walk(node: Sourced, key: string[]): Generator<{ key: string[]; node: Sourced }> {
  if (node.kind === "table") {
    for (const [name, child] of node.entries) {
      const below = [...key, name];
      yield { key: below, node: child };
      yield* walk(child, below);
    }
  }
  const list = node.kind === "list" ? bindingListAt(key) : undefined;
  if (node.kind !== "list" || !list) return;
  for (const item of node.items) {
    const name = entryName(item, list);
    if (name === undefined) continue;
    const below = [...key, name];
    yield { key: below, node: item };
    yield* walk(item, below);
  }
}
