/** What every target does alike when it moves what is deployed to another environment: promote, clone, settings. */
import { kindOf } from "../bindings/index.ts";
import { durableClasses } from "../bindings/migrations.ts";
import { mentions, resolveStored, type StoredConfig } from "../config/index.ts";
import { TroupeError } from "../errors.ts";
import { type Binding, type Environment, type EnvironmentRef, PRODUCTION, refId } from "../model.ts";
import type { EnvironmentSettings } from "../store/records.ts";

/**
 * What the code finds in its `env` where it comes from, and would not find in another environment.
 * @param from with the names of its secrets
 * @param to likewise
 * @returns "the secret TOKEN", "the kv binding CACHE"
 */
export function lacks(
  from: { environment: Environment; secrets: readonly string[] },
  to: { environment: Environment; secrets: readonly string[] },
): string[] {
  const has = new Set([...to.environment.bindings.filter(({ inEnv }) => inEnv).map(({ name }) => name), ...to.secrets]);
  const secret = new Set(from.secrets);
  const bindings = from.environment.bindings.filter(({ inEnv, name }) => inEnv && !has.has(name) && !secret.has(name));
  return [
    ...from.secrets.filter((name) => !has.has(name)).map((name) => `the secret ${name}`),
    ...bindings.map(({ name, kind }) => `the ${kind} binding ${name}`),
  ];
}

/** @param lacking "the secret TOKEN (auth@production)". @throws TroupeError PRECONDITION unless it is empty */
export function refuseLacking(lacking: readonly string[], { from, to }: { from: string; to: string }): void {
  if (lacking.length === 0) return;
  throw new TroupeError("PRECONDITION", `The code needs what "${to}" lacks: ${lacking.join("; ")}`, {
    notes: [
      `Set a secret with \`troupe secret put NAME --env ${to}\`; add a binding to the config and deploy to "${from}" again`,
      "Nothing was changed",
    ],
  });
}

/** @throws TroupeError USAGE */
export function refuseSame({ from, to }: { from: string; to: string }): void {
  if (from === to) throw new TroupeError("USAGE", `"${from}" cannot be promoted to itself`);
}

/** @param known environments that the service has */
export function noSuchEnvironment(ref: EnvironmentRef, known: readonly string[], config?: StoredConfig): TroupeError {
  const written = Object.keys((config?.source.env ?? {}) as object);
  return new TroupeError("NOT_FOUND", `There is no environment ${refId(ref)}`, {
    notes: [
      `${ref.service} has: ${[...new Set([...known, ...written])].join(", ")}`,
      `Make it first: troupe env create ${ref.environment} --service ${ref.service}`,
    ],
  });
}

/**
 * What an environment keeps under its own name, so that no other environment can have it, in words: Durable Objects,
 * Workflows. What it binds of other services is theirs.
 */
export function ownObjects(environment: Environment): string[] {
  const classes = ownClasses(environment);
  return [...(classes.length > 0 ? [`Durable Objects of ${classes.join(", ")}`] : []), ...ownWorkflows(environment)];
}

/** Names of an environment's own Durable Object classes. */
export function ownClasses(environment: Environment): string[] {
  const bound = exclusive(environment).flatMap((binding) => kindOf(binding).references?.(binding) ?? []);
  const classes = bound.flatMap(({ role, exportName }) =>
    role === "durable-object" && exportName ? [exportName] : [],
  );
  return [...new Set([...classes, ...durableClasses(environment).keys()])].sort();
}

/** Its Workflows, in words. */
export function ownWorkflows(environment: Environment): string[] {
  return exclusive(environment)
    .filter((binding) => binding.resource)
    .map(({ name }) => `the Workflow ${name}`);
}

function exclusive({ bindings }: Environment): Binding[] {
  return bindings.filter((binding) => {
    const { state, references } = kindOf(binding);
    return state === "exclusive" && (references?.(binding) ?? []).every(({ service }) => service === undefined);
  });
}

/** That a clone would overwrite an environment. @returns TroupeError CONFLICT, to throw */
export function refuseExistingClone(ref: EnvironmentRef, from: string): TroupeError {
  return new TroupeError("CONFLICT", `${refId(ref)} exists already`, {
    notes: [
      `Delete it first (troupe env delete ${ref.environment}), or promote to it (troupe env promote ${from} ${ref.environment})`,
    ],
  });
}

/**
 * The config of a version, resolved for an environment as a target knows it: with its base, its overlay, its editions.
 * @param share what it takes the resources of, instead of editions of its own
 * @throws TroupeError CONFIG
 */
export async function resolveSettings(
  ref: EnvironmentRef,
  config: StoredConfig,
  settings: EnvironmentSettings,
  share?: Environment,
): Promise<Environment> {
  const { base, overlay, edition, writtenAs = ref.environment } = settings;
  const name = mentions(config, ref.environment) ? ref.environment : writtenAs;
  const { environment } = await resolveStored(config, name, {
    edition,
    ...(base !== undefined && { base }),
    ...(overlay && { overlay }),
  });
  return withShared(underName(environment, ref.environment), settings, share);
}

/** The resources of another environment in place of editions of its own. */
function withShared(environment: Environment, { edition }: EnvironmentSettings, share?: Environment): Environment {
  if (!share) return environment;
  const bindings = environment.bindings.map((binding): Binding => {
    if (binding.resource?.edition !== edition) return binding;
    const theirs = share.bindings.find(({ name, kind }) => name === binding.name && kind === binding.kind);
    return theirs?.resource ? { ...binding, resource: theirs.resource, origin: "shared" } : binding;
  });
  return { ...environment, bindings };
}

/** The same environment under another name. */
export function underName(environment: Environment, name: string): Environment {
  if (environment.name === name) return environment;
  const derived = environment.scriptName === `${environment.service}-${environment.name}`;
  return { ...environment, name, ...(derived && { scriptName: `${environment.service}-${name}` }) };
}

/** The environment as the config has it: the one itself, or what it started from where the config does not mention it. */
export function writtenBase(
  { environment }: EnvironmentRef,
  settings: EnvironmentSettings | undefined,
  config: StoredConfig | undefined,
): string {
  if (config && mentions(config, environment)) return environment;
  return settings?.base ?? settings?.writtenAs ?? environment;
}

/** The name an environment's editions go by: its own, unless one that was renamed since has it. */
export function freeEdition(environment: string, used: ReadonlySet<string>): string {
  for (let count = 1; ; count++) {
    const edition = count === 1 ? environment : `${environment}-${count}`;
    if (!used.has(edition)) return edition;
  }
}

/** @throws TroupeError PRECONDITION for production */
export function refuseRenamingProduction(ref: EnvironmentRef): void {
  if (ref.environment !== PRODUCTION) return;
  throw new TroupeError("PRECONDITION", `${refId(ref)} cannot be renamed: every service has a production`);
}

/** @param isProtected of the config, or of the target. @throws TroupeError PROTECTED */
export function refuseProtected(ref: EnvironmentRef, isProtected: boolean): void {
  if (!isProtected) return;
  throw new TroupeError("PROTECTED", `${refId(ref)} is protected: it takes promotions only`, {
    notes: [
      `Deploy to another environment, and promote it: troupe env promote <from> ${ref.environment}`,
      "Nothing was changed",
    ],
  });
}

/**
 * What must hold before an environment is deleted.
 * @param facts.staying environments of the service that are not deleted with it
 * @throws TroupeError PRECONDITION for a production that is not the last, PROTECTED
 */
export function refuseDeletion(
  ref: EnvironmentRef,
  facts: { staying: readonly string[]; protected: boolean; force: boolean },
): void {
  if (ref.environment === PRODUCTION && facts.staying.length > 0) {
    throw new TroupeError("PRECONDITION", `${refId(ref)} goes last, and ${ref.service} has other environments`, {
      notes: [`Delete these first: ${facts.staying.join(", ")}`],
    });
  }
  if (!facts.protected || facts.force) return;
  throw new TroupeError("PROTECTED", `${refId(ref)} is protected`, {
    notes: [`Take the protection off first (troupe env protect ${ref.environment} --off), or say --force`],
  });
}

/** @param what "renamed", "deleted". @throws TroupeError PRECONDITION naming who binds it */
export function refuseBound(
  ref: EnvironmentRef,
  what: string,
  by: readonly (EnvironmentRef & { binding: string })[],
): void {
  if (by.length === 0) return;
  throw new TroupeError("PRECONDITION", `${refId(ref)} cannot be ${what}: others bind it`, {
    notes: [...by.map((each) => `${refId(each)} as ${each.binding}`), "Say --force to do it all the same"],
  });
}
