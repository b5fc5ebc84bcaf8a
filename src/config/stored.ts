/** Resolving a config that was kept with a version, for the same or another environment. */
import path from "node:path";
import { type Diagnostic, throwIfErrors } from "../errors.ts";
import { type Binding, type Dialect, type Environment, PRODUCTION, type Service } from "../model.ts";
import { Faults } from "./faults.ts";
import { isTable } from "./sourced.ts";
import { resolveEnvironment } from "./troupe-service.ts";
import { loadWrangler } from "./wrangler-service.ts";

/** A parsed config file, as a version keeps it. */
export interface StoredConfig {
  service: string;
  dialect: Dialect;
  configPath: string;
  source: Record<string, unknown>;
  /** Environments with files of their own. */
  files?: Service["files"];
}

/** What a version of a service keeps. */
export function storedConfig(
  service: Pick<Service, "name" | "dialect" | "configPath" | "source" | "files">,
): StoredConfig {
  const { name, dialect, configPath, source, files } = service;
  return { service: name, dialect, configPath, source, ...(files && { files }) };
}

export interface StoredOptions {
  /** The environment it starts from, for one that the config does not mention. Default: the top level. */
  base?: string;
  /** Laid over the config, as if it stood in the environment's own table. */
  overlay?: Record<string, unknown>;
  /** The name that editions of resources go by. Default: the environment's. */
  edition?: string;
}

/**
 * Resolves one environment. A config that does not mention it gives what `base` has, with editions of its own for every
 * stateful binding, and without its routes.
 * @throws TroupeError CONFIG
 */
export async function resolveStored(
  config: StoredConfig,
  environment: string,
  options: StoredOptions = {},
): Promise<{ environment: Environment; warnings: Diagnostic[] }> {
  const { overlay = {}, edition = environment } = options;
  const own = fileOf(config, environment, options.base);
  if (own) {
    const { base: _, ...others } = options;
    const found = await resolveStored({ ...own.file, service: config.service }, own.environment, {
      ...others,
      edition,
    });
    const { service } = config;
    const copy = own.environment !== PRODUCTION && { copyOf: options.base!, scriptName: `${service}-${environment}` };
    return { ...found, environment: { ...found.environment, service, name: environment, ...copy } };
  }
  const { environment: resolved, faults } =
    config.dialect === "troupe"
      ? resolveTroupeSource(config, environment, options.base, overlay)
      : resolveWranglerSource(config, environment, options.base, overlay);
  const diagnostics = await faults.diagnostics(path.dirname(config.configPath));
  throwIfErrors("CONFIG", diagnostics, `${config.service}@${environment}: the config has errors`);
  return {
    environment: withEdition(resolved, environment, edition),
    warnings: diagnostics.filter(({ severity }) => severity === "warning"),
  };
}

/** The file that an environment, or what it starts from, has of its own; and which environment of that file it is. */
function fileOf({ files = {} }: StoredConfig, environment: string, base: string | undefined) {
  if (Object.hasOwn(files, environment)) return { file: files[environment]!, environment: PRODUCTION };
  return base !== undefined && Object.hasOwn(files, base) ? { file: files[base]!, environment } : undefined;
}

function envTables(source: Record<string, unknown>): Record<string, unknown> {
  return isTable(source.env) ? source.env : {};
}

function resolveTroupeSource(
  { service, configPath, source }: StoredConfig,
  environment: string,
  base: string | undefined,
  overlay: Record<string, unknown>,
) {
  // It may have started from one that the config does not mention either.
  const known =
    base !== undefined && (base === PRODUCTION || Object.hasOwn(envTables(source), base)) ? base : undefined;
  const laid = Object.keys(overlay).length === 0 ? source : withTable(source, environment, overlay, known);
  return resolveEnvironment({ name: service, configPath, source: laid }, environment, known);
}

/** `[env.X]` with the overlay laid over it; made, extending its base, when there is none. */
function withTable(
  source: Record<string, unknown>,
  environment: string,
  overlay: Record<string, unknown>,
  base?: string,
): Record<string, unknown> {
  const tables = envTables(source);
  const own = tables[environment];
  const start = isTable(own) ? own : base !== undefined && base !== PRODUCTION ? { extends: base } : {};
  return { ...source, env: { ...tables, [environment]: lay(start, overlay) } };
}

/** Wrangler's rules know no inheritance of bindings: an environment that is not written starts as a copy of its base. */
function resolveWranglerSource(
  { configPath, source }: StoredConfig,
  environment: string,
  base: string | undefined,
  overlay: Record<string, unknown>,
) {
  const faults = new Faults();
  const tables = envTables(source);
  const generated = source.targetEnvironment !== undefined || source.topLevelName !== undefined;
  const load = (raw: Record<string, unknown>) =>
    loadWrangler({ file: configPath, ...(generated && { redirect: configPath }) }, raw, {
      today: new Date().toISOString().slice(0, 10),
      mainGiven: true,
      faults,
      ...(Object.hasOwn(isTable(raw.env) ? raw.env : {}, environment) && { env: environment }),
    }).service.environments;

  const written = tables[environment];
  if (isTable(written)) {
    const all = load({ ...source, env: { ...tables, [environment]: lay(written, overlay) } });
    return { environment: all[environment]!, faults };
  }
  if (environment === PRODUCTION || generated) {
    const all = load(lay(source, overlay));
    const found = all[environment] ?? Object.values(all)[0]!;
    return { environment: environment === PRODUCTION ? found : copyOf(found, environment), faults };
  }
  const from = base !== undefined && isTable(tables[base]) ? tables[base] : undefined;
  const raw = from ? { ...source, env: { [base!]: lay(from, overlay) } } : { ...lay(source, overlay), env: undefined };
  const all = load(JSON.parse(JSON.stringify(raw)) as Record<string, unknown>);
  const found = (from && all[base!]) ?? all[PRODUCTION] ?? Object.values(all)[0]!;
  return { environment: copyOf(found, environment), faults };
}

/** Another environment under a new name: nothing of it is shared with the one it is a copy of. */
function copyOf(base: Environment, name: string): Environment {
  const bindings = base.bindings.map((binding): Binding => {
    const { resource } = binding;
    if (!resource) return binding;
    const own = { type: resource.type, id: `${resource.name}@${name}`, name: resource.name, edition: name };
    return { ...binding, resource: own, origin: "inherited" };
  });
  const scriptName = `${base.service}-${name}`;
  return { ...base, name, scriptName, copyOf: base.name, bindings, routes: [], protected: false };
}

/** Editions under the name that the environment was created with. */
function withEdition(environment: Environment, name: string, edition: string): Environment {
  if (name === edition) return environment;
  const bindings = environment.bindings.map((binding): Binding => {
    const { resource } = binding;
    if (resource?.edition !== name) return binding;
    return { ...binding, resource: { ...resource, id: `${resource.name}@${edition}`, edition } };
  });
  return { ...environment, bindings };
}

/** Tables are merged key by key; everything else is replaced. */
function lay(under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isTable(below) && isTable(value) ? lay(below, value) : value;
  }
  return merged;
}

/** Whether the config itself has this environment. */
export function mentions({ source, files = {} }: StoredConfig, environment: string): boolean {
  return (
    environment === PRODUCTION || Object.hasOwn(envTables(source), environment) || Object.hasOwn(files, environment)
  );
}
