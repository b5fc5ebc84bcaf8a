/** One wrangler.* file, or what a build tool generated from one → one Service. */
import path from "node:path";
import { type Environment, PRODUCTION, type Service, type Written } from "../model.ts";
import { environmentOf } from "./environment.ts";
import type { Faults } from "./faults.ts";
import type { FoundConfig } from "./find.ts";
import { serviceName, serviceNameFault } from "./names.ts";
import type { LoadedService, ServiceOptions } from "./service.ts";
import { plain, type SourcedTable } from "./sourced.ts";
import { type FileTables, tablesOf } from "./tables.ts";
import { resolveWrangler, topLevelName, type WranglerTree } from "./wrangler-dialect.ts";

/** What a generated config says about the one it was made from. */
interface Generated {
  topLevelName?: unknown;
  targetEnvironment?: unknown;
}

const GENERATED_KEYS = [
  "topLevelName",
  "targetEnvironment",
  "definedEnvironments",
  "configPath",
  "userConfigPath",
  "legacy_env",
];

/** A service of a wrangler.* file, or of one that a build tool generated, by Wrangler's rules. */
export function loadWrangler(found: FoundConfig, raw: Record<string, unknown>, options: ServiceOptions): LoadedService {
  return found.redirect ? loadGenerated(found, raw, options) : loadWritten(found.file, raw, options);
}

function loadWritten(file: string, raw: Record<string, unknown>, options: ServiceOptions): LoadedService {
  const written: Written = { file, path: [], environment: options.topLevel ?? topLevelName(raw) };
  const tables = tablesOf(raw, written, "wrangler", options.faults);
  const name = serviceName(tables.top, file, "wrangler", options.faults);
  const resolved = resolveWrangler(tables, options.faults);
  const active = activeEnvironment(tables, resolved, options);
  const trees = new Map<string, SourcedTable>();
  const environments: Record<string, Environment> = {};
  for (const tree of resolved) {
    const own = tree.scriptName && plain(tree.scriptName);
    const fault = tree.table !== undefined && typeof own === "string" && own !== "" ? serviceNameFault(own) : undefined;
    if (fault) tree.faults.error("invalid-name", `The script name "${own}" ${fault}`, tree.scriptName!.written);
    const derived = tree.table === undefined ? name : `${name}-${tree.table}`;
    trees.set(tree.environment, tree.tree);
    environments[tree.environment] = environmentOf(tree, {
      service: name,
      scriptName: typeof own === "string" && own !== "" ? own : derived,
      dialect: "wrangler",
      configPath: file,
      today: options.today,
      mainGiven: options.mainGiven,
      faults: tree.faults,
    });
    if (tree.faults !== options.faults) passOn(tree, tree.environment === active, options.faults);
  }
  // Production comes first, also when it has a table of its own.
  const ordered = Object.fromEntries(
    Object.entries(environments).sort(([a], [b]) => Number(b === PRODUCTION) - Number(a === PRODUCTION)),
  );
  const service: Service = {
    name,
    dialect: "wrangler",
    configPath: file,
    dir: path.dirname(file),
    environments: ordered,
    defaultEnvironment: active,
    source: raw,
  };
  return { service, trees };
}

/**
 * The environment in use. A file without any environment takes part in whichever is asked for, with its top level and
 * everything in it, under that environment's script name; that is Wrangler's rule, and it warns of it as Wrangler does.
 */
function activeEnvironment(tables: FileTables, resolved: WranglerTree[], { env, faults }: ServiceOptions): string {
  const top = resolved[0]!;
  if (!env) return top.environment;
  if (tables.environments.has(env)) return env;
  if (tables.environments.size > 0 || env === top.environment) return top.environment;
  faults.warning(
    "undefined-environment",
    `There is no \`env.${env}\` in this file: "${env}" is its top level, bindings included`,
    tables.top.introduced,
  );
  resolved.push({ ...top, environment: env, table: env, tree: tables.top, faults });
  return env;
}

/**
 * Of the environments not in use, mistakes are warnings and warnings are nothing: Wrangler does not look at them at all.
 */
function passOn({ faults }: WranglerTree, active: boolean, into: Faults): void {
  for (const fault of faults.all) {
    if (active) into.add(fault);
    else if (fault.severity === "error") into.add({ ...fault, severity: "warning" });
  }
}

function loadGenerated(found: FoundConfig, raw: Record<string, unknown>, options: ServiceOptions): LoadedService {
  const { faults, env } = options;
  const { topLevelName: original, targetEnvironment } = raw as Generated;
  const target = typeof targetEnvironment === "string" && targetEnvironment !== "" ? targetEnvironment : undefined;
  const environment = target ?? PRODUCTION;
  const written: Written = { file: found.file, path: [], environment };
  const known = Object.fromEntries(Object.entries(raw).filter(([key]) => !GENERATED_KEYS.includes(key)));
  const tables = tablesOf(known, written, "wrangler", faults);
  const scriptName = serviceName(tables.top, found.userFile ?? found.file, "wrangler", faults);
  if (tables.environments.size > 0) {
    const message = `A generated config can't have environments, but this one has ${[...tables.environments.keys()].join(", ")}`;
    faults.error(
      "generated-environments",
      message,
      { ...written, path: ["env"] },
      {
        part: "key",
        notes: ["The tool that generated it has a fault: report it to the tool's author."],
      },
    );
  }
  if (env && target && env !== target) {
    const message = `The environment "${env}" is asked for, but the project was built for "${target}"`;
    faults.error(
      "environment-mismatch",
      message,
      { ...written, path: ["targetEnvironment"] },
      {
        notes: [`Build it again with "${env}" as its environment (CLOUDFLARE_ENV=${env}), or ask for "${target}".`],
      },
    );
  }
  const name = typeof original === "string" && original !== "" ? original : scriptName;
  const made = environmentOf(
    { environment, tree: tables.top, tables: [undefined] },
    {
      service: name,
      scriptName,
      dialect: "wrangler",
      configPath: found.file,
      ...(found.userFile && { userDir: path.dirname(found.userFile) }),
      today: options.today,
      mainGiven: options.mainGiven,
      faults,
    },
  );
  const service: Service = {
    name,
    dialect: "wrangler",
    configPath: found.file,
    dir: path.dirname(found.file),
    environments: { [environment]: made },
    defaultEnvironment: environment,
    source: raw,
  };
  return { service, trees: new Map([[environment, tables.top]]) };
}
