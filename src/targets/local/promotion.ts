/** Drafts of verbs that move what is deployed already: promote, clone, settings. */
import { randomUUID } from "node:crypto";
import { kindOf } from "../../bindings/index.ts";
import { mentions, resolveStored, type StoredConfig } from "../../config/index.ts";
import { TroupeError } from "../../errors.ts";
import { closure } from "../../graph/index.ts";
import type { ResourceCopy } from "../../host/seeds.ts";
import { type Binding, type Environment, type EnvironmentRef, refId } from "../../model.ts";
import type { EnvironmentSettings, Store, VersionDetail } from "../../store/index.ts";
import type { CloneRequest, PromoteRequest, SettingsChange } from "../target.ts";
import { deployedWorkspace, underName } from "./deployed.ts";
import type { Draft } from "./draft.ts";
import { pickFiles } from "./files.ts";

/**
 * @throws TroupeError NOT_FOUND, CONFIG; PRECONDITION naming each secret and resource that the target environment lacks
 */
export async function promotionDrafts(store: Store, request: PromoteRequest): Promise<Draft[]> {
  const { from, to } = request;
  if (from === to) throw new TroupeError("USAGE", `"${from}" cannot be promoted to itself`);
  const sources = sourcesOf(store, request);
  const drafts: Draft[] = [];
  const lacking: string[] = [];
  for (const source of sources) {
    const ref = { service: source.service, environment: to };
    const version = store.version(source);
    const record = store.findEnvironment(ref);
    const config = version.sourceConfig as StoredConfig;
    if (!record && !mentions(config, to)) throw noSuchEnvironment(store, ref, config);
    const settings = record?.settings ?? { edition: freeEdition(store, ref) };
    const environment = await resolveFor(store, ref, config, settings);
    const own = record?.activeVersionId === undefined ? undefined : store.versionById(record.activeVersionId);
    const { files, missing } = pickFiles(environment, [...version.files, ...(own?.files ?? [])]);
    lacking.push(
      ...[
        ...lacks(version, environment, record ? store.secrets(record).map(({ name }) => name) : []),
        ...missing.map((file) => `the file ${file}, which a binding names`),
      ].map((what) => `${what} (${refId(ref)})`),
    );
    drafts.push({
      ref,
      action: "promote",
      origin: { ...source, version: version.number },
      ...(!record && { settings }),
      fresh: { environment, config, code: version, files },
    });
  }
  if (lacking.length > 0) {
    throw new TroupeError("PRECONDITION", `The code needs what "${to}" lacks: ${lacking.join("; ")}`, {
      notes: [
        `Set a secret with \`troupe secret put NAME --env ${to}\`; add a binding to the config and deploy to "${from}" again`,
        "Nothing was changed",
      ],
    });
  }
  return drafts;
}

/** What the code finds in its `env` where it comes from, and would not find there. */
function lacks(source: VersionDetail, target: Environment, secrets: readonly string[]): string[] {
  const has = new Set([...target.bindings.filter(({ inEnv }) => inEnv).map(({ name }) => name), ...secrets]);
  const bindings = source.environment.bindings.filter(({ inEnv, name }) => inEnv && !has.has(name));
  const missing = Object.keys(source.secrets).filter((name) => !has.has(name));
  return [
    ...missing.map((name) => `the secret ${name}`),
    ...bindings.map(({ name, kind }) => `the ${kind} binding ${name}`),
  ];
}

function noSuchEnvironment(store: Store, ref: EnvironmentRef, config: StoredConfig): TroupeError {
  const known = store.environments(ref.service).map(({ environment }) => environment);
  const written = Object.keys((config.source.env ?? {}) as object);
  return new TroupeError("NOT_FOUND", `There is no environment ${refId(ref)}`, {
    notes: [
      `${ref.service} has: ${[...new Set([...known, ...written])].join(", ")}`,
      `Make it first: troupe env create ${ref.environment} --service ${ref.service}`,
    ],
  });
}

/** @throws TroupeError NOT_FOUND, CONFLICT when the new environment exists already, CONFIG */
export async function cloneDrafts(store: Store, request: CloneRequest): Promise<Draft[]> {
  const { from, to, data } = request;
  const drafts: Draft[] = [];
  for (const source of sourcesOf(store, request)) {
    const ref = { service: source.service, environment: to };
    const existing = store.findEnvironment(ref);
    if (existing) {
      throw new TroupeError("CONFLICT", `${refId(ref)} exists already`, {
        notes: [`Delete it first (troupe env delete ${to}), or promote to it (troupe env promote ${from} ${to})`],
      });
    }
    const record = store.environment(source);
    const version = store.version(source);
    const config = version.sourceConfig as StoredConfig;
    const settings: EnvironmentSettings = {
      edition: freeEdition(store, ref),
      base: writtenBase(store, source),
      ...(record.settings.overlay && { overlay: record.settings.overlay }),
      ...(data === "share" && { share: from }),
      ...(data === "copy" && { seed: randomUUID() }),
    };
    const environment = await resolveFor(store, ref, config, settings);
    const { files, missing } = pickFiles(environment, version.files);
    if (missing.length > 0) {
      throw new TroupeError("PRECONDITION", `${refId(source)} has no copy of ${missing.join(", ")}`, {
        notes: [`Bindings of ${refId(ref)} name these files: deploy to it instead, from their folder`],
      });
    }
    drafts.push({
      ref,
      action: "clone",
      origin: { ...source, version: version.number },
      settings,
      secrets: { copyFrom: record },
      fresh: { environment: { ...environment, protected: false }, config, code: version, files },
    });
    if (data === "copy") refuseUncopied(source, environment);
  }
  return drafts;
}

/** Ids of Durable Objects are made of the name of their environment: copied, nobody would find them. */
function refuseUncopied(source: EnvironmentRef, { bindings }: Environment): void {
  const objects = bindings.filter((binding) => kindOf(binding).state === "exclusive");
  if (objects.length === 0) return;
  const names = objects.map((binding) => `${kindOf(binding).title} ${binding.name}`).join(", ");
  throw new TroupeError("PRECONDITION", `The data of ${refId(source)} cannot be copied: ${names}`, {
    notes: [
      "KV, R2 and D1 can be; ids of Durable Objects and Workflows belong to their environment",
      "--data fresh gives it empty ones, --data share those of the first; nothing was changed",
    ],
  });
}

/** What the clones' own editions are copies of, by the clone's `seed`. */
export function copiesOf(
  store: Store,
  drafts: readonly Draft[],
): { seed: string; fromSeed?: string; copies: ResourceCopy[] }[] {
  return drafts.flatMap(({ settings, origin, fresh }) => {
    if (settings?.seed === undefined || !origin || !fresh) return [];
    const theirs = store.version(origin).environment.bindings;
    const copies = fresh.environment.bindings.flatMap(({ name, kind, resource }) => {
      const from = theirs.find((each) => each.name === name && each.kind === kind)?.resource;
      return resource && from && resource.id !== from.id ? [{ from, to: resource }] : [];
    });
    const fromSeed = store.environment(origin).settings.seed;
    return [{ seed: settings.seed, copies, ...(fromSeed !== undefined && { fromSeed }) }];
  });
}

/** @throws TroupeError NOT_FOUND, CONFIG for settings that make no sense */
export async function settingsDrafts(store: Store, { ref, settings: overlay }: SettingsChange): Promise<Draft[]> {
  const record = store.environment(ref);
  const version = store.version(ref);
  const config = version.sourceConfig as StoredConfig;
  const settings = { ...record.settings, overlay };
  const environment = await resolveFor(store, ref, config, settings);
  const { files, missing } = pickFiles(environment, version.files);
  if (missing.length > 0) {
    throw new TroupeError("PRECONDITION", `${refId(ref)} has no copy of ${missing.join(", ")}`, {
      notes: ["A new file can only be deployed from the folder it lies in: `troupe deploy`"],
    });
  }
  return [{ ref, action: "settings", settings, fresh: { environment, config, code: version, files } }];
}

/**
 * The config of a version, resolved for an environment as the store knows it: with its base, its overlay, its editions.
 * @throws TroupeError CONFIG
 */
export async function resolveFor(
  store: Store,
  ref: EnvironmentRef,
  config: StoredConfig,
  settings: EnvironmentSettings,
): Promise<Environment> {
  const { base, overlay, edition, writtenAs = ref.environment } = settings;
  const name = mentions(config, ref.environment) ? ref.environment : writtenAs;
  const { environment } = await resolveStored(config, name, {
    edition,
    ...(base !== undefined && { base }),
    ...(overlay && { overlay }),
  });
  return shared(store, underName(environment, ref.environment), settings);
}

/** The resources of another environment in place of editions of its own. */
export function shared(store: Store, environment: Environment, { share, edition }: EnvironmentSettings): Environment {
  if (share === undefined) return environment;
  const other = store.findVersion({ service: environment.service, environment: share })?.environment;
  const bindings = environment.bindings.map((binding): Binding => {
    if (binding.resource?.edition !== edition) return binding;
    const theirs = other?.bindings.find(({ name, kind }) => name === binding.name && kind === binding.kind);
    return theirs?.resource ? { ...binding, resource: theirs.resource, origin: "shared" } : binding;
  });
  return { ...environment, bindings };
}

/** What an environment is made with, when it starts from another of its service. */
export function newSettings(store: Store, ref: EnvironmentRef, base?: string): EnvironmentSettings {
  const edition = freeEdition(store, ref);
  return { edition, ...(base !== undefined && { base: writtenBase(store, { ...ref, environment: base }) }) };
}

/** The environment as the config has it: the one itself, or what it started from where the config does not mention it. */
function writtenBase(store: Store, ref: EnvironmentRef): string {
  const { base, writtenAs } = store.findEnvironment(ref)?.settings ?? {};
  const config = store.findVersion(ref)?.sourceConfig as StoredConfig | undefined;
  return config && mentions(config, ref.environment) ? ref.environment : (base ?? writtenAs ?? ref.environment);
}

/** The name an environment's editions go by: its own, unless one that was renamed since has it. */
export function freeEdition(store: Store, { service, environment }: EnvironmentRef): string {
  const used = new Set(store.environments(service).map(({ settings }) => settings.edition));
  for (let count = 1; ; count++) {
    const edition = count === 1 ? environment : `${environment}-${count}`;
    if (!used.has(edition)) return edition;
  }
}

/** The services named and, with `graph`, everything that they bind in the environment of the same name. */
function sourcesOf(
  store: Store,
  { services, from, graph }: { services: readonly string[]; from: string; graph: boolean },
): EnvironmentRef[] {
  const named = services.map((service) => ({ service, environment: from }));
  for (const ref of named) {
    store.environment(ref);
    store.version(ref);
  }
  if (!graph) return named;
  const workspace = deployedWorkspace(store);
  const roots = named.map((ref) => workspace.deployed.get(refId(ref))!.environment);
  const { environments, order } = closure(workspace, roots);
  return order
    .map((id) => environments.get(id)!)
    .filter(({ name }) => name === from)
    .map(({ service, name }) => ({ service, environment: name }));
}
