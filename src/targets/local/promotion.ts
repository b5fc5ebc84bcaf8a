/** Drafts of verbs that move what is deployed already: promote, clone, settings. */
import { randomUUID } from "node:crypto";
import { mentions, type StoredConfig } from "../../config/index.ts";
import { TroupeError } from "../../errors.ts";
import { closure } from "../../graph/index.ts";
import type { Seed } from "../../host/seeds.ts";
import { type Environment, type EnvironmentRef, refId } from "../../model.ts";
import type { EnvironmentRecord, EnvironmentSettings, Store } from "../../store/index.ts";
import {
  freeEdition,
  lacks,
  noSuchEnvironment,
  ownClasses,
  refuseExistingClone,
  refuseLacking,
  refuseSame,
  resolveSettings,
  writtenBase,
} from "../promotion.ts";
import type { CloneRequest, PromoteRequest, SettingsChange } from "../target.ts";
import { deployedWorkspace } from "./deployed.ts";
import type { Draft } from "./draft.ts";
import { pickFiles } from "./files.ts";

/**
 * @throws TroupeError NOT_FOUND, CONFIG; PRECONDITION naming each secret and resource that the target environment lacks
 */
export async function promotionDrafts(store: Store, request: PromoteRequest): Promise<Draft[]> {
  const { to } = request;
  refuseSame(request);
  const sources = sourcesOf(store, request);
  const drafts: Draft[] = [];
  const lacking: string[] = [];
  for (const source of sources) {
    const ref = { service: source.service, environment: to };
    const version = store.version(source);
    const record = store.findEnvironment(ref);
    const config = version.sourceConfig as StoredConfig;
    if (!record && !mentions(config, to)) {
      throw noSuchEnvironment(
        ref,
        store.environments(ref.service).map((each) => each.environment),
        config,
      );
    }
    const settings = record?.settings ?? { edition: editionFor(store, ref) };
    const environment = await resolveFor(store, ref, config, settings);
    const own = record?.activeVersionId === undefined ? undefined : store.versionById(record.activeVersionId);
    const { files, missing } = pickFiles(environment, [...version.files, ...(own?.files ?? [])]);
    lacking.push(
      ...[
        ...lacks(
          { environment: version.environment, secrets: Object.keys(version.secrets) },
          { environment, secrets: record ? store.secrets(record).map(({ name }) => name) : [] },
        ),
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
  refuseLacking(lacking, request);
  return drafts;
}

/** @throws TroupeError NOT_FOUND, CONFLICT when the new environment exists already, CONFIG */
export async function cloneDrafts(store: Store, request: CloneRequest): Promise<Draft[]> {
  const { from, to, data } = request;
  const drafts: Draft[] = [];
  for (const source of sourcesOf(store, request)) {
    const ref = { service: source.service, environment: to };
    if (store.findEnvironment(ref)) throw refuseExistingClone(ref, from);
    const record = store.environment(source);
    const version = store.version(source);
    const config = version.sourceConfig as StoredConfig;
    const settings: EnvironmentSettings = {
      edition: editionFor(store, ref),
      base: baseName(store, source),
      ...(record.settings.overlay && { overlay: record.settings.overlay }),
      ...(data === "share" && { share: from }),
      ...(data === "copy" && { seed: randomUUID(), ...copiedObjects(record, version.environment) }),
    };
    const environment = await resolveFor(store, ref, config, settings);
    const { files, missing } = pickFiles(environment, version.files);
    if (missing.length > 0) {
      throw new TroupeError("PRECONDITION", `${refId(source)} has no copy of ${missing.join(", ")}`, {
        notes: [`Bindings of ${refId(ref)} name these files: deploy to it instead, from their folder`],
      });
    }
    const names = store.secrets(record).map(({ name }) => name);
    const given = Object.fromEntries(Object.entries(request.secrets ?? {}).filter(([name]) => names.includes(name)));
    drafts.push({
      ref,
      action: "clone",
      origin: { ...source, version: version.number },
      settings,
      secrets: { copyFrom: record, put: given },
      fresh: { environment: { ...environment, protected: false }, config, code: version, files },
    });
  }
  return drafts;
}

/** Ids of Durable Objects are made of the name of their worker: copies of them are only found under that name. */
function copiedObjects({ service, settings }: EnvironmentRecord, environment: Environment): { objects?: string } {
  if (ownClasses(environment).length === 0) return {};
  return { objects: settings.objects ?? refId({ service, environment: settings.edition }) };
}

/** What the clones' own editions are copies of, by the clone's `seed`. */
export function copiesOf(store: Store, drafts: readonly Draft[]): Seed[] {
  return drafts.flatMap(({ settings, origin, fresh }) => {
    if (settings?.seed === undefined || !origin || !fresh) return [];
    const theirs = store.version(origin).environment.bindings;
    const copies = fresh.environment.bindings.flatMap(({ name, kind, resource }) => {
      const from = theirs.find((each) => each.name === name && each.kind === kind)?.resource;
      return resource && from && resource.id !== from.id ? [{ from, to: resource }] : [];
    });
    const { seed: fromSeed, edition } = store.environment(origin).settings;
    const worker = refId({ service: origin.service, environment: edition });
    return [
      {
        seed: settings.seed,
        copies,
        ...(settings.objects !== undefined && { objects: { worker, goBy: settings.objects } }),
        ...(fromSeed !== undefined && { fromSeed }),
      },
    ];
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
  const share =
    settings.share === undefined ? undefined : store.findVersion({ ...ref, environment: settings.share })?.environment;
  return resolveSettings(ref, config, settings, share);
}

/** What an environment is made with, when it starts from another of its service. */
export function newSettings(store: Store, ref: EnvironmentRef, base?: string): EnvironmentSettings {
  const edition = editionFor(store, ref);
  return { edition, ...(base !== undefined && { base: baseName(store, { ...ref, environment: base }) }) };
}

function baseName(store: Store, ref: EnvironmentRef): string {
  const config = store.findVersion(ref)?.sourceConfig as StoredConfig | undefined;
  return writtenBase(ref, store.findEnvironment(ref)?.settings, config);
}

function editionFor(store: Store, { service, environment }: EnvironmentRef): string {
  return freeEdition(environment, new Set(store.environments(service).map(({ settings }) => settings.edition)));
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
