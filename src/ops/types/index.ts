/** Declaration files: what `env` holds over all environments, RPC from the bound services' own source, the runtime's API. */
import path from "node:path";
import { nodeCompat } from "../../bundle/node-compat.ts";
import { type Diagnostic, TroupeError } from "../../errors.ts";
import { closure } from "../../graph/index.ts";
import { replaceFile } from "../../lib/replace-file.ts";
import { type Bundle, type Environment, PRODUCTION, type Service, type Workspace } from "../../model.ts";
import {
  effectiveDate,
  generateRuntimeTypes,
  type RuntimeTypesOptions,
  workerdVersion,
} from "../../runtime/runtime-types.ts";
import { buildEnvironments } from "../build-environments.ts";
import { type Selection, selectServices, selectWorkspace } from "../select.ts";
import { declareEnv } from "./declare-env.ts";
import { type ExistingTypes, isFresh, readTypesFile, renderFile, runtimeHeader, type TypesFile } from "./file.ts";
import { foreignEnvs } from "./foreign-env.ts";

const DEFAULT_TYPES_FILE = "worker-configuration.d.ts";

export interface TypesOptions extends Selection {
  /** The file to write, from the current folder. Only with one service. Default: `worker-configuration.d.ts` beside each config. */
  path?: string;
  /** Write nothing; fail when a file is not what it would be. */
  check?: boolean;
  /** Default true, as all that follow. */
  includeEnv?: boolean;
  includeRuntime?: boolean;
  includeMainModule?: boolean;
  strictVars?: boolean;
  /** Default "Env". */
  envInterface?: string;
  /** Read local variables from these files instead of .dev.vars and .env. */
  envFiles?: string[];
  /** Aborted: builds stop. */
  signal?: AbortSignal;
}

export interface TypesResult {
  files: { service: string; path: string; state: "written" | "unchanged" }[];
  warnings: Diagnostic[];
}

/**
 * Writes the types of the chosen services, all environments of each (or the one named).
 * @throws TroupeError USAGE for flags that don't fit together; NOT_FOUND for an unknown service or environment;
 *   PRECONDITION for a file that is somebody's own; CONFLICT with `check` when a file is out of date
 */
export async function writeTypes(options: TypesOptions): Promise<TypesResult> {
  const { workspace, warnings } = await selectWorkspace(options);
  const services = selectServices(workspace, options);
  checkOptions(options, services);
  const environments = new Map(services.map((service) => [service, environmentsOf(service, options.env)]));
  const bundles =
    options.includeEnv === false ? new Map<string, Bundle>() : await bundlesFor(workspace, services, options, warnings);
  const runtimes = new Map<string, Promise<string>>();
  const command = commandLine(options);
  const files: TypesResult["files"] = [];
  const outdated: string[] = [];
  for (const [service, chosen] of environments) {
    const file =
      options.path === undefined ? path.join(service.dir, DEFAULT_TYPES_FILE) : path.resolve(options.cwd, options.path);
    const existing = await readTypesFile(file);
    const env =
      options.includeEnv === false
        ? undefined
        : await declareEnv({ workspace, environments: chosen, file, bundles, ...options });
    if (options.includeEnv !== false) warnings.push(...(await foreignEnvs(workspace, chosen)));
    const source = options.includeRuntime === false ? undefined : runtimeOf(chosen, warnings);
    const now: TypesFile = { env, runtimeHeader: source?.header };
    const fresh = existing !== undefined && isFresh(existing, now, command);
    if (!fresh && options.check) outdated.push(file);
    if (!fresh && !options.check) {
      const runtime = source && (await runtimeText(source, existing, runtimes));
      await replaceFile(file, renderFile({ ...now, runtime }, command));
    }
    files.push({ service: service.name, path: file, state: fresh || options.check ? "unchanged" : "written" });
  }
  if (outdated.length > 0) throw outdatedError(outdated, options);
  return { files, warnings };
}

function checkOptions(options: TypesOptions, services: readonly Service[]): void {
  const { path: file, envInterface = "Env", includeEnv, includeRuntime } = options;
  if (includeEnv === false && includeRuntime === false) {
    throw new TroupeError("USAGE", "Neither the types of env nor those of the runtime are to be written", {
      notes: ["Leave --include-env=false or --include-runtime=false away"],
    });
  }
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(envInterface)) {
    throw new TroupeError("USAGE", `--env-interface takes the name of an interface, not "${envInterface}"`);
  }
  if (file === undefined) return;
  if (!file.endsWith(".d.ts")) {
    throw new TroupeError("USAGE", `${file} is no declaration file`, { notes: ["Its name must end in .d.ts"] });
  }
  if (services.length > 1) {
    throw new TroupeError("USAGE", "One file cannot hold the types of several services", {
      notes: [`Choose one with --service (${services.map(({ name }) => name).join(", ")}), or name no file`],
    });
  }
}

/** Production first: it decides the order, and whose runtime it is. A service without the environment named gives its default. */
function environmentsOf(service: Service, env: string | undefined): Environment[] {
  const { environments, defaultEnvironment } = service;
  if (env) return [environments[env] ?? environments[defaultEnvironment]!];
  const { [PRODUCTION]: production, ...others } = environments;
  return [...(production ? [production] : []), ...Object.values(others)];
}

/** The bundles of the services and of everything they refer to, for the names that these export. */
async function bundlesFor(
  workspace: Workspace,
  services: readonly Service[],
  { processEnv, signal }: TypesOptions,
  warnings: Diagnostic[],
): Promise<Map<string, Bundle>> {
  const own = services.flatMap((service) => Object.values(service.environments));
  const built = await buildEnvironments([...closure(workspace, own).environments.values()], { processEnv, signal });
  const bundles = new Map<string, Bundle>();
  const failed = new Set<string>();
  for (const [id, { bundle }] of built) {
    if (bundle) bundles.set(id, bundle);
    else failed.add(id.slice(0, id.lastIndexOf("@")));
  }
  for (const service of failed) {
    warnings.push({
      severity: "warning",
      code: "unbuilt-service",
      message: `Service "${service}" does not build: types that refer to it are written without a look at what it exports`,
      notes: [`"troupe bindings check -s ${service}" says what is wrong`],
    });
  }
  return bundles;
}

interface RuntimeSource {
  header: string;
  options: RuntimeTypesOptions;
}

/** Making them takes a second: what the file has already is kept, and services of the same date and flags share. */
async function runtimeText(
  { header, options }: RuntimeSource,
  existing: ExistingTypes | undefined,
  runtimes: Map<string, Promise<string>>,
): Promise<string> {
  if (existing?.runtime !== undefined && existing.runtimeHeader === header) return existing.runtime;
  const known = runtimes.get(header) ?? generateRuntimeTypes(options);
  runtimes.set(header, known);
  return known;
}

/** One file has room for one runtime: that of the first environment. */
function runtimeOf([first, ...others]: readonly Environment[], warnings: Diagnostic[]): RuntimeSource {
  const { compatibilityDate: date, compatibilityFlags: flags, service, name } = first!;
  const differing = others.find(
    (other) =>
      other.compatibilityDate !== date || other.compatibilityFlags.toSorted().join() !== flags.toSorted().join(),
  );
  if (differing) {
    warnings.push({
      severity: "warning",
      code: "differing-runtime",
      message: `${service}: the compatibility date or flags of ${differing.name} differ from those of ${name}; the runtime types are those of ${name}`,
      notes: [`"troupe types --env ${differing.name}" writes the other ones`],
    });
  }
  return {
    header: runtimeHeader(workerdVersion(), effectiveDate(date), flags),
    options: {
      compatibilityDate: date,
      compatibilityFlags: flags,
      nodeByDefault: nodeCompat({ compatibilityDate: date, compatibilityFlags: [] }) !== "none",
    },
  };
}

/** What has to be typed to get this file again, whatever folder one stands in. */
function commandLine(options: TypesOptions): string {
  const { env, envFiles = [], envInterface, includeEnv, includeRuntime, includeMainModule, strictVars } = options;
  return [
    "troupe types",
    ...(env ? [`--env=${env}`] : []),
    ...envFiles.map((file) => `--env-file=${file}`),
    ...(envInterface !== undefined && envInterface !== "Env" ? [`--env-interface=${envInterface}`] : []),
    ...(includeEnv === false ? ["--include-env=false"] : []),
    ...(includeRuntime === false ? ["--include-runtime=false"] : []),
    ...(includeMainModule === false ? ["--include-main-module=false"] : []),
    ...(strictVars === false ? ["--strict-vars=false"] : []),
  ].join(" ");
}

function outdatedError(files: readonly string[], options: TypesOptions): TroupeError {
  const shown = files.map((file) => path.relative(options.cwd, file) || file);
  const [first] = shown;
  const message = files.length === 1 ? `${first} is out of date` : `${files.length} files of types are out of date`;
  return new TroupeError("CONFLICT", message, {
    notes: [...(files.length === 1 ? [] : shown), `Run "${commandLine(options)}" and commit what it writes`],
  });
}
