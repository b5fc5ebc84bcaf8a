/** What a store has deployed, as a workspace: every service with its environments, from their active versions. */
import { TroupeError } from "../../errors.ts";
import { type Environment, type EnvironmentRef, PRODUCTION, refId, type Service, type Workspace } from "../../model.ts";
import type { EnvironmentRecord, Store, VersionDetail, VersionSummary } from "../../store/index.ts";

/** One environment with its active version, which is read when it is asked for: most are only listed. */
export class Deployed {
  /**
   * Id of its worker in a running graph, and what its Durable Objects' data lies under: `service@edition`, which is
   * `service@environment` unless it was renamed.
   */
  readonly id: string;
  readonly ref: EnvironmentRef;
  /** First label of its hostname. */
  readonly label: string;
  readonly record: EnvironmentRecord;
  readonly #read: () => VersionDetail;
  #environment: Environment | undefined;

  constructor(record: EnvironmentRecord, read: () => VersionDetail) {
    const { service, environment, label, settings } = record;
    this.id = refId({ service, environment: settings.edition });
    this.ref = { service, environment };
    this.label = label;
    this.record = record;
    this.#read = read;
  }

  get version(): VersionDetail {
    return this.#read();
  }

  get environment(): Environment {
    // It may have been renamed since.
    this.#environment ??= underName(this.version.environment, this.ref.environment);
    return this.#environment;
  }

  get summary(): VersionSummary {
    return this.record.summary ?? this.version.summary;
  }
}

/** The same environment under another name. */
export function underName(environment: Environment, name: string): Environment {
  if (environment.name === name) return environment;
  const derived = environment.scriptName === `${environment.service}-${environment.name}`;
  return { ...environment, name, ...(derived && { scriptName: `${environment.service}-${name}` }) };
}

export interface DeployedWorkspace extends Workspace {
  /** By `service@environment`; only what has an active version. */
  deployed: ReadonlyMap<string, Deployed>;
}

/** Versions never change, so what was read once is kept for as long as the store is open. */
const read = new WeakMap<Store, Map<number, VersionDetail>>();

/** The environments of a store that have an active version. */
export function deployedWorkspace(store: Store): DeployedWorkspace {
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
  return workspaceOf(active.map((record) => new Deployed(record, () => versionOf(record.activeVersionId!))));
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
