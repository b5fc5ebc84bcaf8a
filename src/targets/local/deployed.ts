/** What a store has deployed, as a workspace: every service with its environments, from their active versions. */
import { TroupeError } from "../../errors.ts";
import { type Environment, type EnvironmentRef, PRODUCTION, refId, type Service, type Workspace } from "../../model.ts";
import type { EnvironmentRecord, Store, VersionDetail, VersionSummary } from "../../store/index.ts";
import { underName } from "../promotion.ts";

/** One environment with its active version, which is read when it is asked for: most are only listed. */
export class Deployed {
  /**
   * Id of its worker in a running graph: `service@edition`, which is `service@environment` unless it was renamed.
   */
  readonly id: string;
  /** What the ids and the data of its Durable Objects go by: its own id, or the one of the environment it has copies of. */
  readonly objects: string;
  readonly ref: EnvironmentRef;
  /** First label of its hostname. */
  readonly label: string;
  readonly record: EnvironmentRecord;
  readonly #read: () => VersionDetail;
  readonly #known: Environment | undefined;
  #environment: Environment | undefined;

  /** @param known the version's environment, when it has been read already */
  constructor(record: EnvironmentRecord, read: () => VersionDetail, known?: Environment) {
    const { service, environment, label, settings } = record;
    this.id = refId({ service, environment: settings.edition });
    this.objects = settings.objects ?? this.id;
    this.ref = { service, environment };
    this.label = label;
    this.record = record;
    this.#read = read;
    this.#known = known;
  }

  get version(): VersionDetail {
    return this.#read();
  }

  get environment(): Environment {
    // It may have been renamed since.
    this.#environment ??= underName(this.#known ?? this.version.environment, this.ref.environment);
    return this.#environment;
  }

  get summary(): VersionSummary {
    return this.record.summary ?? this.version.summary;
  }
}

export interface DeployedWorkspace extends Workspace {
  /** By `service@environment`; only what has an active version. */
  deployed: ReadonlyMap<string, Deployed>;
}

/** Versions never change, so what was read once is kept for as long as the store is open. */
const read = new WeakMap<Store, Map<number, VersionDetail>>();

const readEnvironments = new WeakMap<Store, Map<number, Environment>>();

/**
 * The environments of a store that have an active version.
 * @param options.all every one of them is going to be looked at: they are read at once
 */
export function deployedWorkspace(store: Store, options: { all?: boolean } = {}): DeployedWorkspace {
  const known = read.get(store) ?? new Map<number, VersionDetail>();
  const active = store.environments().filter(({ activeVersionId }) => activeVersionId !== undefined);
  const ids = new Set(active.map(({ activeVersionId }) => activeVersionId));
  for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
  read.set(store, known);
  const versionOf = (id: number): VersionDetail => {
    const version = known.get(id) ?? store.versionById(id);
    if (!version) throw new TroupeError("STORE", `The store ${store.file} has lost version ${id}`);
    known.set(id, version);
    return version;
  };
  const environments = options.all ? environmentsOf(store, ids as Set<number>) : undefined;
  return workspaceOf(
    active.map((record) => {
      const id = record.activeVersionId!;
      return new Deployed(record, () => versionOf(id), environments?.get(id));
    }),
  );
}

function environmentsOf(store: Store, ids: ReadonlySet<number>): Map<number, Environment> {
  const known = readEnvironments.get(store) ?? new Map<number, Environment>();
  for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
  const missing = [...ids].filter((id) => !known.has(id));
  if (missing.length > 0) for (const [id, environment] of store.environmentsOf(missing)) known.set(id, environment);
  readEnvironments.set(store, known);
  return known;
}

/** Environments as a workspace, so that references are looked up among them. */
export function workspaceOf(all: readonly Deployed[]): DeployedWorkspace {
  const services = new Map<string, Service>();
  for (const each of all) {
    const service = services.get(each.ref.service) ?? serviceOf(each);
    Object.defineProperty(service.environments, each.ref.environment, {
      enumerable: true,
      configurable: true,
      get: () => each.environment,
    });
    services.set(each.ref.service, service);
  }
  return {
    root: "",
    services: [...services.values()],
    files: [],
    memberFolders: [],
    deployed: new Map(all.map((each) => [refId(each.ref), each])),
  };
}

/** Only its name and its environments count here. */
function serviceOf({ ref }: Deployed): Service {
  const { service: name } = ref;
  return {
    name,
    dialect: "troupe",
    configPath: "",
    dir: "",
    environments: {},
    defaultEnvironment: PRODUCTION,
    source: {},
  };
}
