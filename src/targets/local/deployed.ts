/** What a store has deployed, as a workspace: every service with its environments, from their active versions. */
import { type Environment, type EnvironmentRef, PRODUCTION, refId, type Service, type Workspace } from "../../model.ts";
import type { EnvironmentRecord, Store, VersionDetail } from "../../store/index.ts";

export interface Deployed {
  /**
   * Id of its worker in a running graph, and what its Durable Objects' data lies under: `service@edition`, which is
   * `service@environment` unless it was renamed.
   */
  id: string;
  ref: EnvironmentRef;
  /** First label of its hostname. */
  label: string;
  environment: Environment;
  record: EnvironmentRecord;
  version: VersionDetail;
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
  const current = new Map<number, VersionDetail>();
  const all: Deployed[] = [];
  for (const record of store.environments()) {
    const id = record.activeVersionId;
    const version = id === undefined ? undefined : (known.get(id) ?? store.versionById(id));
    if (!version) continue;
    current.set(version.id, version);
    all.push(deployedAs(record, version));
  }
  read.set(store, current);
  return workspaceOf(all);
}

/** One version as the active one of an environment. */
export function deployedAs(record: EnvironmentRecord, version: VersionDetail): Deployed {
  const { service, environment: name, label } = record;
  const ref = { service, environment: name };
  return {
    id: refId({ service, environment: record.settings.edition }),
    ref,
    label,
    // It may have been renamed since.
    environment: { ...version.environment, name },
    record,
    version,
  };
}

/** Environments as a workspace, so that references are looked up among them. */
export function workspaceOf(all: readonly Deployed[]): DeployedWorkspace {
  const services = new Map<string, Service>();
  for (const { ref, environment } of all) {
    const service = services.get(ref.service) ?? serviceOf(environment);
    service.environments[ref.environment] = environment;
    services.set(ref.service, service);
  }
  return {
    root: "",
    services: [...services.values()],
    files: [],
    memberFolders: [],
    deployed: new Map(all.map((each) => [refId(each.ref), each])),
  };
}

function serviceOf({ service, dialect, configPath, dir }: Environment): Service {
  return { name: service, dialect, configPath, dir, environments: {}, defaultEnvironment: PRODUCTION, source: {} };
}
