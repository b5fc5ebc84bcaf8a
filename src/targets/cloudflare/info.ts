/** What the account has, as a target shows it. */
import { createHash } from "node:crypto";
import { type EnvironmentRef, PRODUCTION, refId } from "../../model.ts";
import { underName } from "../promotion.ts";
import type { DeploymentInfo, EnvironmentDetail, EnvironmentInfo, VersionDetail, VersionInfo } from "../target.ts";
import { readDeployment, readVersion } from "./annotations.ts";
import { foreignEnvironment } from "./foreign.ts";
import { liveVersions, mainVersion, type NetDeployment, type NetVersion, type ScriptState } from "./network.ts";
import { isDraft, PROTECTED, type Shelf, type Stored } from "./shelf.ts";

/** Requests for one environment each are made this many at once. */
const AT_ONCE = 6;

interface Domain {
  hostname: string;
  service: string;
}

/** What is asked once for any number of environments. */
interface Places {
  subdomain: string | undefined;
  domains: Domain[];
}

async function placesOf({ network }: Shelf): Promise<Places> {
  const [subdomain, domains] = await Promise.all([
    network.subdomain(),
    network.api.list<Domain>(`${network.base}/workers/domains`),
  ]);
  return { subdomain, domains };
}

/** In the order of service and environment. */
export async function environmentInfos(shelf: Shelf, stored: readonly Stored[]): Promise<EnvironmentInfo[]> {
  const places = await placesOf(shelf);
  const sorted = [...stored].sort((a, b) => (refId(a.ref) < refId(b.ref) ? -1 : 1));
  return atOnce(sorted, (each) => environmentInfo(shelf, each, places));
}

async function environmentInfo(shelf: Shelf, stored: Stored, { subdomain, domains }: Places): Promise<EnvironmentInfo> {
  const { ref, script } = stored;
  const [active, enabled] = await Promise.all([
    shelf.active(stored),
    shelf.network.api.find<{ enabled: boolean }>(`${shelf.network.script(script.id)}/subdomain`),
  ]);
  const custom = domains.find(({ service }) => service === script.id)?.hostname;
  const hostname = custom ?? (enabled?.enabled && subdomain ? `${script.id}.${subdomain}.workers.dev` : undefined);
  const { record, brief } = (hostname === undefined && active && (await shelf.content(stored, active))) || {};
  const routes = (record?.environment ?? brief?.around)?.routes ?? [];
  return {
    service: ref.service,
    name: ref.environment,
    ...(hostname !== undefined && { hostname, url: `https://${hostname}` }),
    ...(routes.length > 0 && { routes: routes.map(({ pattern }) => pattern) }),
    ...(active && { version: active.number }),
    protected: isProtected(stored),
  };
}

/** Whether it accepts promotions only, by the tag of its Worker. */
export function isProtected({ script }: Stored): boolean {
  return script.tags?.includes(PROTECTED) === true;
}

/** @throws TroupeError AUTH, UNREACHABLE */
export async function environmentDetail(shelf: Shelf, stored: Stored): Promise<EnvironmentDetail> {
  const [[info], active, settings, state, bound] = await Promise.all([
    environmentInfos(shelf, [stored]),
    shelf.active(stored),
    shelf.settings(stored),
    shelf.state(stored),
    boundBy(shelf, stored),
  ]);
  const detail = active && (await versionDetail(shelf, stored, active));
  return {
    ...info!,
    routes: detail?.environment.routes.map(({ pattern }) => pattern) ?? [],
    settings: settings.overlay ?? {},
    ...(settings.base !== undefined && { base: settings.base }),
    ...(detail && { active: detail }),
    secrets: state.secrets.map((name) => ({ name })),
    boundBy: bound,
  };
}

interface References {
  services?: { incoming?: { service: string; environment?: string; name: string }[] };
  durable_objects?: { service: string; durable_object_namespace_name?: string }[];
  dispatch_outbounds?: { namespace: string }[];
}

/** Which environments bind this one, and as what. */
export async function boundBy(shelf: Shelf, { script }: Stored): Promise<(EnvironmentRef & { binding: string })[]> {
  const { network } = shelf;
  const [references, tails] = await Promise.all([
    network.api.find<References>(`${network.script(script.id)}/references`),
    network.api.find<{ producer?: { script?: string; service?: string } }[]>(
      `${network.base}/workers/tails/by-consumer/${encodeURIComponent(script.id)}`,
    ),
  ]);
  const by = new Map([...(await shelf.all()).values()].map((stored) => [stored.script.id, stored.ref]));
  const refOf = (name: string) => by.get(name) ?? { service: name, environment: PRODUCTION };
  return [
    ...(references?.services?.incoming ?? [])
      .filter(({ service }) => service !== script.id)
      .map(({ service, name }) => ({ ...refOf(service), binding: name })),
    ...(references?.durable_objects ?? [])
      .filter(({ service }) => service !== script.id)
      .map((each) => ({ ...refOf(each.service), binding: each.durable_object_namespace_name ?? "a Durable Object" })),
    ...(references?.dispatch_outbounds ?? []).map(({ namespace }) => ({
      ...refOf(namespace),
      binding: "the outbound Worker of a dispatch namespace",
    })),
    ...(tails ?? []).flatMap(({ producer }) => {
      const name = producer?.service ?? producer?.script;
      return name === undefined ? [] : [{ ...refOf(name), binding: "a tail consumer" }];
    }),
  ];
}

/** @param state of the Worker: says which versions are live, and with which share */
export function versionInfo(version: NetVersion, state: ScriptState): VersionInfo {
  const { number, id, metadata, annotations } = version;
  const live = liveVersions(state);
  const share = live.length > 1 ? live.find((each) => each.version.id === id)?.percentage : undefined;
  const { tag, message, git, author = metadata?.author_email, contentHash, size, action } = readVersion(annotations);
  return {
    number,
    active: mainVersion(state)?.id === id,
    ...(share !== undefined && { percentage: share }),
    source: action === undefined || action === "create" ? "deploy" : action,
    // Of a version that somebody else uploaded: at least nothing is taken for the same.
    contentHash: contentHash ?? id.replaceAll("-", ""),
    size: size ?? 0,
    ...(git && { git }),
    ...(tag !== undefined && { tag }),
    ...(message !== undefined && { message }),
    ...(author !== undefined && { author }),
    createdAt: metadata?.created_on ?? "",
  };
}

/** Newest first. */
export function versionInfos(state: ScriptState, limit?: number): VersionInfo[] {
  const found = state.versions.filter((version) => !isDraft(version)).map((version) => versionInfo(version, state));
  return limit === undefined ? found : found.slice(0, limit);
}

/** Downloads the code, unless this machine has kept it. @throws TroupeError AUTH, UNREACHABLE */
export async function versionDetail(shelf: Shelf, stored: Stored, version: NetVersion): Promise<VersionDetail> {
  const { ref, script } = stored;
  const [{ bundle, record }, secrets, state, whole] = await Promise.all([
    shelf.content(stored, version),
    shelf.secretNames(stored, version),
    shelf.state(stored),
    shelf.network.version(script.id, version.id),
  ]);
  const environment = record
    ? { ...underName(record.environment, ref.environment), scriptName: script.id }
    : foreignEnvironment(ref, script, whole);
  return {
    ...versionInfo(version, state),
    ref,
    environment,
    modules: bundle.modules.map(({ name, type, contents }) => ({
      name,
      type,
      size: contents.byteLength,
      hash: createHash("sha256").update(contents).digest("hex"),
    })),
    files: Object.entries(record?.assets ?? {}).map(([path, { hash }]) => ({ path, fingerprint: hash })),
    // The API never tells values, nor anything made of them.
    secrets: Object.fromEntries(secrets.map((name) => [name, "?"])),
  };
}

/** Newest first. */
export function deploymentInfos({ ref }: Stored, state: ScriptState): DeploymentInfo[] {
  const numbers = new Map(state.versions.map((version) => [version.id, version]));
  return state.deployments.flatMap((deployment) => {
    const version = numbers.get(largest(deployment));
    return version && !isDraft(version) ? [deploymentInfo(ref, deployment, version)] : [];
  });
}

function largest({ versions }: NetDeployment): string {
  return [...versions].sort((a, b) => b.percentage - a.percentage)[0]?.version_id ?? "";
}

function deploymentInfo(ref: EnvironmentRef, deployment: NetDeployment, version: NetVersion): DeploymentInfo {
  const { id, created_on, author_email, annotations, versions } = deployment;
  const own = readDeployment(annotations);
  // An upload that was live at once told it with the version.
  const mark = own.operation === undefined ? readDeployment(version.annotations) : own;
  const { message, author = author_email, action, operation, from, bound } = mark;
  const origin = from === undefined ? undefined : /^(.*)@(.*)#(\d+)$/.exec(from);
  return {
    id,
    operation: operation ?? id,
    ...ref,
    version: version.number,
    ...(versions.length > 1 && { percentage: shareOf(deployment, version) }),
    action: action === undefined || action === "create" ? "deploy" : action,
    ...(origin && { from: { service: origin[1]!, environment: origin[2]!, version: Number(origin[3]) } }),
    ...(message !== undefined && { message }),
    ...(author !== undefined && { author }),
    bound: bound ?? {},
    createdAt: created_on ?? "",
  };
}

function shareOf({ versions }: NetDeployment, { id }: NetVersion): number {
  return versions.find(({ version_id }) => version_id === id)!.percentage;
}

/** Like `Promise.all` over a map, but a few at a time: accounts have limits. */
export async function atOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index]!);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
