/** What is deployed already, as what something else is made of. */
import { type StoredConfig, storedConfig } from "../../config/index.ts";
import { TroupeError } from "../../errors.ts";
import { type Environment, type EnvironmentRef, refId, type Workspace } from "../../model.ts";
import type { EnvironmentSettings } from "../../store/records.ts";
import { resolveSettings } from "../promotion.ts";
import { readVersion } from "./annotations.ts";
import { readAssets } from "./assets.ts";
import { filesDigest } from "./brief.ts";
import type { NetVersion } from "./network.ts";
import { type Content, deployedVersions, type Shelf, type Stored } from "./shelf.ts";

/** A version that something is made of. */
export interface Source {
  stored: Stored;
  version: NetVersion;
  content: Content;
  config: StoredConfig;
  environment: Environment;
  settings: EnvironmentSettings;
  secrets: string[];
}

/**
 * The active version of an environment. One that somebody else deployed has no config with it: then the workspace's counts.
 * @throws TroupeError NOT_FOUND, PRECONDITION
 */
export async function sourceOf(shelf: Shelf, ref: EnvironmentRef, workspace: Workspace | undefined): Promise<Source> {
  const stored = await shelf.need(ref);
  const version = await shelf.needActive(stored);
  const [content, settings, secrets] = await Promise.all([
    shelf.content(stored, version),
    shelf.settings(stored),
    shelf.secretNames(stored, version),
  ]);
  const common = { stored, version, content, settings, secrets };
  const { record } = content;
  if (record) return { ...common, config: record.config, environment: record.environment };
  const written = await writtenOf(shelf, stored, workspace);
  if (written) {
    await refuseOtherFiles(ref, written.environment, content.brief?.files);
    return { ...common, ...written };
  }
  throw new TroupeError("PRECONDITION", `${refId(ref)} was not deployed by troupe: its config is not known`, {
    notes: ["Run this in the folder of the service, or deploy to it once with `troupe deploy --target cloudflare`"],
  });
}

/**
 * The network hands no static assets out: where their list is not kept with the version, those in the folder stand for them,
 * if they are the same.
 * @throws TroupeError PRECONDITION when they are not; CONFIG when there is no folder
 */
async function refuseOtherFiles(
  ref: EnvironmentRef,
  environment: Environment,
  files: string | undefined,
): Promise<void> {
  if (files === undefined) return;
  const assets = await readAssets(environment);
  if (assets && filesDigest(assets) === files) return;
  throw new TroupeError(
    "PRECONDITION",
    `The static assets of ${refId(ref)} are not those in ${assets?.folder ?? environment.dir}: they have changed since`,
    {
      notes: [
        "Cloudflare does not hand files out, and a service of static assets alone has no room for their list",
        "Check out what was deployed there (`troupe versions list` shows the commit), or deploy what is here with `troupe deploy`",
        "Nothing was changed",
      ],
    },
  );
}

/**
 * What the workspace's config makes of an environment whose versions say nothing of it. One that somebody else deployed has
 * to be mentioned there.
 */
export async function writtenOf(
  shelf: Shelf,
  stored: Stored,
  workspace: Workspace | undefined,
): Promise<{ config: StoredConfig; environment: Environment } | undefined> {
  const service = workspace?.services.find(({ name }) => name === stored.ref.service);
  if (!service) return undefined;
  const config = storedConfig(service);
  const written = service.environments[stored.ref.environment];
  const [newest] = deployedVersions(await shelf.state(stored));
  if (readVersion(newest?.annotations).action === undefined) return written && { config, environment: written };
  return { config, environment: await resolveFor(shelf, stored.ref, config, await shelf.settings(stored)) };
}

/** An environment's config, resolved as the account has it. */
export async function resolveFor(
  shelf: Shelf,
  ref: EnvironmentRef,
  config: StoredConfig,
  settings: EnvironmentSettings,
): Promise<Environment> {
  const share = settings.share === undefined ? undefined : await sharedBy(shelf, ref, settings.share);
  const environment = await resolveSettings(ref, config, settings, share);
  // It keeps the name that it has, whatever the rule would call it now.
  const stored = await shelf.find(ref);
  return stored ? { ...environment, scriptName: stored.script.id } : environment;
}

/** By its name, or by the one that it was made with, if it was renamed since. */
async function sharedBy(shelf: Shelf, { service }: EnvironmentRef, share: string): Promise<Environment | undefined> {
  const named = await shelf.find({ service, environment: share });
  const found = named ?? (await renamedFrom(shelf, service, share));
  const active = found && (await shelf.active(found));
  return active && (await shelf.content(found, active)).record?.environment;
}

async function renamedFrom(shelf: Shelf, service: string, edition: string): Promise<Stored | undefined> {
  for (const stored of await shelf.of(service)) if ((await shelf.settings(stored)).edition === edition) return stored;
  return undefined;
}

/**
 * The services named and, with `graph`, everything that they bind in the environment of the same name; dependencies first.
 * @throws TroupeError NOT_FOUND, PRECONDITION
 */
export async function sourcesOf(
  shelf: Shelf,
  { services, from, graph }: { services: readonly string[]; from: string; graph: boolean },
  workspace: Workspace | undefined,
): Promise<Source[]> {
  const found = new Map<string, Source>();
  const order: Source[] = [];
  const visit = async (service: string): Promise<void> => {
    const ref = { service, environment: from };
    if (found.has(refId(ref))) return;
    const source = await sourceOf(shelf, ref, workspace);
    found.set(refId(ref), source);
    for (const script of graph ? await boundScripts(shelf, source) : []) {
      const bound = [...(await shelf.all()).values()].find((each) => each.script.id === script);
      if (bound?.ref.environment === from) await visit(bound.ref.service);
    }
    order.push(source);
  };
  for (const service of services) await visit(service);
  return order;
}

/** Names of the Workers that a version binds, as the network has them. */
async function boundScripts({ network }: Shelf, { stored, version }: Source): Promise<string[]> {
  const { resources } = await network.version(stored.script.id, version.id);
  return (resources?.bindings ?? []).flatMap(({ service, script_name }) =>
    [service, script_name].filter((name): name is string => typeof name === "string" && name !== stored.script.id),
  );
}
