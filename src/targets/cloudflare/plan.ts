/** What a deploy is going to do to each Worker, worked out before anything is changed. */
import { kindOf } from "../../bindings/index.ts";
import type { UploadContext } from "../../bindings/kind.ts";
import type { DeclaredExport } from "../../bindings/migrations.ts";
import { throwIfErrors } from "../../errors.ts";
import { resolveReference } from "../../graph/index.ts";
import {
  type Binding,
  type Bundle,
  type Environment,
  type EnvironmentRef,
  refId,
  type Workspace,
} from "../../model.ts";
import type { Action, ChangeOptions } from "../target.ts";
import { type DeploymentMark, readVersion, type VersionMark, versionAnnotations } from "./annotations.ts";
import { type Assets, assetsFolder, readAssets } from "./assets.ts";
import { aroundPart, type Brief, briefText, filesDigest } from "./brief.ts";
import { changeFaults } from "./checks.ts";
import { type KeptSecrets, type MetadataOptions, uploadFingerprint, uploadMetadata } from "./metadata.ts";
import { referredScript } from "./names.ts";
import {
  liveVersions,
  mainVersion,
  type NetVersion,
  type Network,
  onlyVersion,
  type Script,
  type ScriptState,
} from "./network.ts";
import { type Provisioned, provision } from "./provision.ts";
import { takesRecord, type VersionRecord } from "./record.ts";
import { isDraft } from "./shelf.ts";
import { type ApiBinding, isUnnamed, onNetwork } from "./wrangler-resources.ts";

/** One environment that is to be made as given. */
export interface Wanted {
  ref: EnvironmentRef;
  environment: Environment;
  bundle: Bundle;
  record: VersionRecord;
  action: Action | "create";
  /** Values to set; the others stay as they are. */
  secrets: Readonly<Record<string, string>>;
  /** Secrets to take away. */
  withoutSecrets?: readonly string[];
  /** What it comes from: `service@environment#version`. */
  from?: string;
  /** A version that is there already, to be made the active one: nothing is uploaded then. */
  existing?: NetVersion;
  /** Leaves everything around the Worker alone: nobody knows what it was with that version. */
  keepTriggers?: boolean;
  /** Static assets of the version that it comes from, in place of those in the folder. */
  assetsOf?: Pick<Assets, "manifest" | "rules">;
}

export interface Planned extends Wanted {
  /** `service gateway@staging`. */
  about: string;
  /** Absent: the Worker does not exist yet. */
  state?: ScriptState;
  /** The version that is live: the one with the largest share, where several are. */
  active?: NetVersion;
  /** The oldest that is live: what a rollout goes back to. */
  oldest?: NetVersion;
  assets?: Assets;
  fingerprint: string;
  /** False: what is live is the same. */
  changed: boolean;
  /** A version that an earlier attempt uploaded and did not get to deploy. */
  waiting?: NetVersion;
  migrations?: Record<string, unknown>;
  /** The API takes it only with an upload that is live at once. */
  live: boolean;
  metadata(
    options?: Pick<MetadataOptions, "assetsToken" | "leaveOut" | "live"> & {
      half?: boolean;
      deployment?: DeploymentMark;
    },
  ): Record<string, unknown>;
  /** Scripts that must exist before this one, by binding. */
  needs(binding: Binding): string[];
}

export interface PlanRequest extends ChangeOptions {
  wanted: readonly Wanted[];
  workspace: Workspace;
  /** Told of each resource that was made. */
  onMade?(what: string): void;
}

export interface Plan {
  planned: Planned[];
  scripts: ReadonlyMap<string, Script>;
  provisioned: Provisioned;
}

/**
 * @param options.provision makes the resources that are missing; otherwise they only count as to be made
 * @throws TroupeError PRECONDITION with everything that stands in the way; nothing was changed then
 */
export async function plan(network: Network, asked: PlanRequest): Promise<Plan> {
  const scripts = await network.scripts();
  const states = await Promise.all(
    asked.wanted.map(({ environment }) => {
      const script = scripts.get(environment.scriptName);
      return script && network.state(script);
    }),
  );
  const wanted = await Promise.all(asked.wanted.map((each, index) => withResources(network, each, states[index])));
  const request = { ...asked, wanted };
  const faults = await changeFaults(network, { request, states, scripts });
  throwIfErrors("PRECONDITION", faults, `${faults.length} things stand in the way; nothing was changed`);
  const assets = await Promise.all(request.wanted.map(assetsOf));
  const provisioned = await provision(
    network,
    request.wanted.map(({ environment }) => environment),
    {
      dryRun: request.dryRun === true,
      ...(request.onProgress && { onProgress: request.onProgress }),
      ...(request.onMade && { onMade: request.onMade }),
      liveBindings: (environment) => {
        const index = request.wanted.findIndex((each) => each.environment === environment);
        return request.wanted[index]!.action === "deploy" ? undefined : liveBindings(network, states[index]);
      },
    },
  );
  const planned = request.wanted.map((wanted, index) =>
    planOne(wanted, { state: states[index], assets: assets[index], provisioned, request }),
  );
  return { planned, scripts, provisioned };
}

async function liveBindings(network: Network, state: ScriptState | undefined): Promise<readonly ApiBinding[]> {
  const active = state && mainVersion(state);
  if (!active) return [];
  return (await network.version(state.script.id, active.id)).resources?.bindings ?? [];
}

/** Its resources, as the network has them. */
async function withResources(network: Network, wanted: Wanted, state: ScriptState | undefined): Promise<Wanted> {
  const { environment: written } = wanted;
  const asks = written.bindings.some((binding) => isUnnamed(binding, written));
  const environment = onNetwork(written, asks ? await liveBindings(network, state) : []);
  return { ...wanted, environment, record: { ...wanted.record, environment } };
}

function assetsOf({ environment, existing, assetsOf: kept }: Wanted): Promise<Assets | undefined> | Assets | undefined {
  if (existing) return undefined;
  const folder = kept && assetsFolder(environment);
  return folder === undefined ? readAssets(environment) : { folder, ...kept! };
}

interface Parts {
  state: ScriptState | undefined;
  assets: Assets | undefined;
  provisioned: Provisioned;
  request: PlanRequest;
}

function planOne(wanted: Wanted, { state, assets, provisioned, request }: Parts): Planned {
  const { environment, bundle, secrets, withoutSecrets = [] } = wanted;
  const { workspace } = request;
  const context: UploadContext = {
    environment,
    scriptName: (reference) => referredScript(workspace, environment, reference),
    environmentOf: (reference) => resolveReference(workspace, environment, reference).environment,
    resourceId: provisioned.idOf,
    secret: (name) => (Object.hasOwn(secrets, name) ? secrets[name] : undefined),
  };
  const migrations = pendingMigrations(environment, state?.script);
  const main = state && mainVersion(state);
  const active = main && !isDraft(main) ? main : undefined;
  const oldest = active && liveVersions(state!)[0]?.version;
  const newest = state?.versions[0];
  const kept = keptSecrets(state, main, withoutSecrets);
  const staying = (state?.secrets ?? []).filter((name) => !withoutSecrets.includes(name));
  const secretNames = new Set([...staying, ...Object.keys(secrets)]);
  const common = { context, secrets, secretNames, ...(assets?.rules && { assetRules: assets.rules }) };
  const bare = uploadMetadata(environment, bundle, common);
  const fingerprint = uploadFingerprint(environment, bundle, withoutValues(bare), assets?.manifest);
  const mark: VersionMark = {
    ...(request.tag !== undefined && { tag: request.tag }),
    ...(request.message !== undefined && { message: request.message }),
    ...(request.git && { git: request.git }),
    ...(request.author !== undefined && { author: request.author }),
    contentHash: bundle.contentHash,
    size: bundle.size,
    action: wanted.action,
    ...(!takesRecord(environment, bundle) && { brief: briefText(wanted.ref, briefOf(wanted, assets)) }),
  };
  const same = (version: NetVersion | undefined) => readVersion(version?.annotations).fingerprint === fingerprint;
  const touchesSecrets = Object.keys(secrets).length > 0 || withoutSecrets.length > 0;
  const only = state && onlyVersion(state);
  const { existing } = wanted;
  const changed = existing
    ? only?.id !== existing.id
    : migrations !== undefined || touchesSecrets || !state || !same(only);
  const waiting =
    existing ?? (!touchesSecrets && newest && isUntried(newest, state) && same(newest) ? newest : undefined);
  return {
    ...wanted,
    record: {
      ...wanted.record,
      ...(assets && { assets: assets.manifest, ...(assets.rules && { assetRules: assets.rules }) }),
    },
    about: `service ${refId(wanted.ref)}`,
    ...(state && { state }),
    ...(active && { active }),
    ...(oldest && { oldest }),
    ...(assets && { assets }),
    fingerprint,
    changed,
    ...(changed && waiting && { waiting }),
    ...(migrations && !existing && { migrations }),
    live: !existing && (!state || migrations !== undefined || onlyLive(wanted)),
    metadata: ({ half, live, deployment, ...options } = {}) =>
      uploadMetadata(environment, bundle, {
        ...common,
        ...(kept && { kept }),
        ...options,
        ...(live && { live }),
        ...(live && migrations && { migrations }),
        annotations: versionAnnotations(
          { ...mark, fingerprint: half ? `${fingerprint}.half` : fingerprint },
          deployment,
        ),
      }),
    needs: (binding) =>
      (kindOf(binding).references?.(binding) ?? [])
        .filter(({ service }) => service !== undefined)
        .map((reference) => referredScript(workspace, environment, reference)),
  };
}

function briefOf({ ref, environment, record }: Wanted, assets: Assets | undefined): Brief {
  return {
    name: ref.environment,
    settings: record.settings,
    around: aroundPart(environment),
    ...(assets && { files: filesDigest(assets) }),
  };
}

/** Whether a version was never everybody's: an attempt that uploaded it has ended early, or it is being rolled out. */
function isUntried({ id }: NetVersion, { deployments }: ScriptState): boolean {
  return !deployments.some(({ versions }) =>
    versions.some((each) => each.version_id === id && each.percentage === 100),
  );
}

/**
 * A version takes its secrets from the newest one. Where that is not the one that people get, or some are to go, those that
 * stay are named one by one.
 */
function keptSecrets(
  state: ScriptState | undefined,
  main: NetVersion | undefined,
  without: readonly string[],
): KeptSecrets | undefined {
  if (!state || !main || (state.versions[0]?.id === main.id && without.length === 0)) return undefined;
  return { names: state.secrets.filter((name) => !without.includes(name)), version: main.id };
}

/** Values of secrets are no part of what is compared: nobody could read them back. */
function withoutValues(metadata: Record<string, unknown>): Record<string, unknown> {
  const bindings = metadata.bindings as { type?: string; name?: string }[] | undefined;
  if (!bindings) return metadata;
  const secret = ({ type }: { type?: string }) => type === "secret_text" || type === "inherit";
  return { ...metadata, bindings: bindings.filter((binding) => !secret(binding)) };
}

/** What the versions API does not take: https://developers.cloudflare.com/workers/configuration/versions-and-deployments/#limits */
export function onlyLive({
  environment: { settings, bindings },
  bundle,
}: Pick<Wanted, "environment" | "bundle">): boolean {
  const declared = Object.values((settings.exports ?? {}) as Record<string, DeclaredExport>);
  return (
    bundle.format === "service-worker" ||
    declared.some(({ type }) => type === "durable-object") ||
    bindings.some(({ kind }) => kind === "container")
  );
}

export function pendingMigrations({ migrations, settings }: Environment, script: Script | undefined) {
  if (migrations.length === 0 || settings.exports !== undefined) return undefined;
  const done = script?.migration_tag ?? undefined;
  const pending = migrations.slice(migrations.findIndex(({ tag }) => tag === done) + 1);
  if (pending.length === 0) return undefined;
  return {
    ...(done !== undefined && { old_tag: done }),
    new_tag: pending.at(-1)!.tag,
    steps: pending.map(({ tag: _, ...step }) => step),
  };
}
