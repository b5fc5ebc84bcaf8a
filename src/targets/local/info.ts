/** Records of the store as a target shows them. */
import { closure } from "../../graph/index.ts";
import { type EnvironmentRef, isPrivate, PRODUCTION, refId } from "../../model.ts";
import type { DeploymentRecord, EnvironmentRecord, Store, VersionDetail, VersionRecord } from "../../store/index.ts";
import { differences, shortly } from "../diff.ts";
import type {
  ChangeResult,
  DeploymentInfo,
  EnvironmentDetail,
  EnvironmentInfo,
  VersionInfo,
  VersionDetail as VersionView,
} from "../target.ts";
import { type Deployed, type DeployedWorkspace, deployedWorkspace } from "./deployed.ts";
import { contentOf, type Preview } from "./draft.ts";

/** Where environments are reached: from a running host, if there is one. */
export interface Address {
  base: string;
  /** What stands before and behind a hostname in a URL: "http", ":8787". */
  scheme: string;
  port: string;
}

function place(label: string, { base, scheme, port }: Address): { hostname: string; url: string } {
  const hostname = `${label}.${base}`;
  return { hostname, url: `${scheme}://${hostname}${port}` };
}

export function environmentInfo(record: EnvironmentRecord, address: Address): EnvironmentInfo {
  return {
    service: record.service,
    name: record.environment,
    ...(record.summary?.private !== true && place(record.label, address)),
    ...(record.activeVersion !== undefined && { version: record.activeVersion }),
    protected: record.protected,
  };
}

export function environmentDetail(store: Store, record: EnvironmentRecord, address: Address): EnvironmentDetail {
  const version = record.activeVersionId === undefined ? undefined : store.versionById(record.activeVersionId);
  return {
    ...environmentInfo(record, address),
    routes: version?.environment.routes.map(({ pattern }) => pattern) ?? [],
    settings: record.settings.overlay ?? {},
    ...(record.settings.base !== undefined && { base: record.settings.base }),
    ...(version && { active: versionView(store, version) }),
    secrets: store.secrets(record).map(({ name, fingerprint, createdAt }) => ({
      name,
      fingerprint,
      createdAt: createdAt.toISOString(),
    })),
    boundBy: boundBy(store, { service: record.service, environment: record.environment }),
  };
}

/**
 * Whether an environment's bindings can lead to another, told from what is kept apart of it: nothing else is read.
 * @param scriptName of the other: Wrangler's files name that (`auth-staging`)
 */
export function mayReferTo(
  workspace: DeployedWorkspace,
  from: Deployed,
  to: EnvironmentRef,
  scriptName: string,
): boolean {
  return from.summary.references.some(({ service, environment }) => {
    if (service === scriptName) return true;
    if (from.summary.copyOf !== undefined && to.environment === from.ref.environment) return true;
    if (service !== to.service) return false;
    if (environment !== undefined) return environment === to.environment;
    // Left out, it is the same-named one if there is one, else production.
    const { environment: own } = from.ref;
    return (
      to.environment === own ||
      (to.environment === PRODUCTION && !workspace.deployed.has(refId({ service, environment: own })))
    );
  });
}

/** Every deployed environment that binds this one. */
export function boundBy(store: Store, ref: EnvironmentRef): (EnvironmentRef & { binding: string })[] {
  const workspace = deployedWorkspace(store);
  const id = refId(ref);
  const own = workspace.deployed.get(id);
  if (!own) return [];
  const { scriptName } = own.environment;
  const binders = [...workspace.deployed.values()].filter((from) => mayReferTo(workspace, from, ref, scriptName));
  const all = binders.map(({ environment }) => environment);
  return closure(workspace, all)
    .edges.filter(({ from, resolution }) => refId(resolution.ref) === id && from !== id)
    .map(({ from, binding }) => ({ ...workspace.deployed.get(from)!.ref, binding: binding.name }));
}

export function versionInfo(record: VersionRecord): VersionInfo {
  const { number, active, source, contentHash, size, tag, message, git, author, createdAt } = record;
  return {
    number,
    active,
    source,
    contentHash,
    size,
    ...(git && { git }),
    ...(tag !== undefined && { tag }),
    ...(message !== undefined && { message }),
    ...(author !== undefined && { author }),
    createdAt: createdAt.toISOString(),
  };
}

export function versionView(store: Store, version: VersionDetail): VersionView {
  return {
    ...versionInfo(version),
    ref: version.ref,
    environment: version.environment,
    modules: store.moduleSizes(version).map(({ name, type, blob, size }) => ({ name, type, size, hash: blob })),
    files: version.files.map(({ path, fingerprint }) => ({ path, fingerprint })),
    secrets: store.secretFingerprints(version.secrets),
  };
}

export function deploymentInfo(record: DeploymentRecord): DeploymentInfo {
  const { ref, origin, createdAt, id, operation, version, action, message, author, bound } = record;
  return {
    id,
    operation,
    service: ref.service,
    environment: ref.environment,
    version,
    action,
    ...(origin && { from: origin }),
    ...(message !== undefined && { message }),
    ...(author !== undefined && { author }),
    bound,
    createdAt: createdAt.toISOString(),
  };
}

/** @param version the number it has now, or would have */
export function changeResult(
  store: Store,
  { deployed, previous, content }: Preview,
  { version, changed, address }: { version: number; changed: boolean; address: Address },
): ChangeResult {
  const before = previous && contentOf(previous, store.secretFingerprints(previous.secrets));
  return {
    service: deployed.ref.service,
    environment: deployed.ref.environment,
    version,
    changed,
    ...(!isPrivate(deployed.environment) && place(deployed.label, address)),
    routes: deployed.environment.routes.map(({ pattern }) => pattern),
    contentHash: deployed.version.contentHash,
    size: deployed.version.size,
    changes: changed ? shortly(differences(before, content)) : [],
    ...(previous && changed && { previous: previous.number }),
  };
}
