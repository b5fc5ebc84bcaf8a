/** The target `cloudflare`: Cloudflare's network, through its public API. What is deployed lives there and nowhere else. */
import { environmentNameFault, storedConfig } from "../../config/index.ts";
import { TroupeError } from "../../errors.ts";
import {
  type Bundle,
  type Environment,
  type EnvironmentRef,
  PRODUCTION,
  refId,
  type Service,
  type Workspace,
} from "../../model.ts";
import { refuseBound, refuseDeletion, refuseProtected, refuseRenamingProduction } from "../promotion.ts";
import type {
  ChangeOptions,
  ChangeReport,
  CloneRequest,
  DeleteOptions,
  DeployItem,
  DeploymentInfo,
  DeployRequest,
  EnvironmentDetail,
  EnvironmentInfo,
  NewEnvironment,
  PromoteRequest,
  RenameReport,
  RollbackRequest,
  RolloutRequest,
  SecretChange,
  SettingsChange,
  Target,
  VersionDetail,
  VersionInfo,
} from "../target.ts";
import { deleteEnvironments } from "./deletion.ts";
import { type DeployAllRequest, deployAll } from "./deploy.ts";
import { draftWanted, tagsFor, withProtection } from "./draft.ts";
import {
  atOnce,
  boundBy,
  deploymentInfos,
  environmentDetail,
  environmentInfos,
  isProtected,
  versionDetail,
  versionInfos,
} from "./info.ts";
import {
  cloneWanted,
  newSettings,
  noSecrets,
  promotionWanted,
  recordFor,
  rollbackWanted,
  secretsWanted,
  settingsWanted,
} from "./moves.ts";
import { mainVersion } from "./network.ts";
import { type CloudflareTargetOptions, openShelf } from "./open.ts";
import type { Wanted } from "./plan.ts";
import { rollout } from "./rollout.ts";
import type { Shelf } from "./shelf.ts";
import { resolveFor, writtenOf } from "./sources.ts";
import { deployedView } from "./view.ts";

/** @throws TroupeError AUTH when there is no token; USAGE when it sees several accounts and none is named; UNREACHABLE */
export async function openCloudflareTarget(options: CloudflareTargetOptions): Promise<Target> {
  return new CloudflareTarget(await openShelf(options), options.workspace);
}

class CloudflareTarget implements Target {
  readonly id = "cloudflare";
  readonly #shelf: Shelf;
  readonly #workspace: Workspace | undefined;

  constructor(shelf: Shelf, workspace: Workspace | undefined) {
    this.#shelf = shelf;
    this.#workspace = workspace;
  }

  /** Without a service: those of the workspace, or everything that the account has when there is none. */
  async list(service?: string): Promise<EnvironmentInfo[]> {
    const all = [...(await this.#shelf.all()).values()];
    const names = this.#workspace?.services.map(({ name }) => name);
    const wanted = all.filter(({ ref }) =>
      service === undefined ? (names?.includes(ref.service) ?? true) : ref.service === service,
    );
    return environmentInfos(this.#shelf, wanted);
  }

  async read(ref: EnvironmentRef): Promise<EnvironmentDetail> {
    return environmentDetail(this.#shelf, await this.#shelf.need(ref));
  }

  async versions(ref: EnvironmentRef, limit?: number): Promise<VersionInfo[]> {
    return versionInfos(await this.#shelf.state(await this.#shelf.need(ref)), limit);
  }

  async version(ref: EnvironmentRef, number?: number): Promise<VersionDetail> {
    const stored = await this.#shelf.need(ref);
    return versionDetail(this.#shelf, stored, await this.#shelf.version(stored, number));
  }

  async bundle(ref: EnvironmentRef, number?: number): Promise<Bundle> {
    const stored = await this.#shelf.need(ref);
    return (await this.#shelf.content(stored, await this.#shelf.version(stored, number))).bundle;
  }

  async deployments(ref?: EnvironmentRef, limit?: number): Promise<DeploymentInfo[]> {
    const names = this.#workspace?.services.map(({ name }) => name);
    const wanted = ref
      ? [await this.#shelf.need(ref)]
      : [...(await this.#shelf.all()).values()].filter((stored) => names?.includes(stored.ref.service) ?? true);
    const found = await atOnce(wanted, async (stored) => deploymentInfos(stored, await this.#shelf.state(stored)));
    const sorted = found.flat().sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
    return limit === undefined ? sorted : sorted.slice(0, limit);
  }

  async resolve(service: Service, environment: string, create?: NewEnvironment): Promise<Environment | undefined> {
    const ref = { service: service.name, environment };
    const stored = await this.#shelf.find(ref);
    const { environments } = service;
    const written = Object.hasOwn(environments, environment) ? environments[environment] : undefined;
    if (!stored && (written || !create)) return written;
    if (!stored) checkName(environment);
    const settings = stored ? await this.#shelf.settings(stored) : await newSettings(this.#shelf, ref, create);
    const { edition, ...others } = settings;
    const plain = edition === environment && Object.keys(others).length === 0;
    if (written && plain) return stored ? { ...written, scriptName: stored.script.id } : written;
    return resolveFor(this.#shelf, ref, storedConfig(service), settings);
  }

  async deploy(request: DeployRequest): Promise<ChangeReport> {
    const wanted: Wanted[] = [];
    for (const item of request.items) {
      const ref = { service: item.environment.service, environment: item.environment.name };
      const stored = await this.#shelf.find(ref);
      refuseProtected(ref, item.environment.protected || (stored !== undefined && isProtected(stored)));
      wanted.push(await this.#deployWanted(ref, item));
    }
    const { items: _, workspace, percentage, ...options } = request;
    return this.#change(wanted, options, { workspace, ...(percentage !== undefined && { percentage }) });
  }

  async #deployWanted(ref: EnvironmentRef, item: DeployItem): Promise<Wanted> {
    const { environment, bundle, sourceConfig, joined, secrets, create } = item;
    const stored = await this.#shelf.find(ref);
    const { dialect, configPath } = environment;
    const file = joined ? { ...joined, name: ref.service } : { name: ref.service, dialect, configPath };
    const config = storedConfig({ ...file, source: sourceConfig });
    const settings = stored ? await this.#shelf.settings(stored) : await newSettings(this.#shelf, ref, create);
    const record = recordFor(ref, { environment, config, settings, bundle });
    return { ref, environment, bundle, record, action: "deploy", secrets: secrets ?? {} };
  }

  async create(refs: readonly EnvironmentRef[], options: NewEnvironment): Promise<EnvironmentInfo[]> {
    const wanted: Wanted[] = [];
    for (const ref of refs) {
      checkName(ref.environment);
      if (await this.#shelf.find(ref)) throw new TroupeError("CONFLICT", `${refId(ref)} exists already`);
      const settings = await newSettings(this.#shelf, ref, options);
      wanted.push(draftWanted(ref, { ...options, settings, scriptName: this.#scriptName(ref) }));
    }
    await this.#change(wanted, {});
    return environmentInfos(this.#shelf, await Promise.all(refs.map((ref) => this.#shelf.need(ref))));
  }

  #scriptName({ service, environment }: EnvironmentRef): string {
    const written = this.#workspace?.services.find(({ name }) => name === service)?.environments[environment];
    return written?.scriptName ?? (environment === PRODUCTION ? service : `${service}-${environment}`);
  }

  async clone(request: CloneRequest): Promise<ChangeReport> {
    checkName(request.to);
    return this.#change(await cloneWanted(this.#shelf, request, this.#workspace), request);
  }

  async promote(request: PromoteRequest): Promise<ChangeReport> {
    return this.#change(await promotionWanted(this.#shelf, request, this.#workspace), request);
  }

  async rollback(request: RollbackRequest): Promise<ChangeReport> {
    return this.#change([await rollbackWanted(this.#shelf, request.ref, request.version)], request);
  }

  async rollout(request: RolloutRequest): Promise<ChangeReport> {
    const report = await rollout(this.#shelf, request, (wanted) => this.#change(wanted, request));
    this.#shelf.forget();
    return report;
  }

  async changeSecrets(change: SecretChange): Promise<ChangeReport> {
    const { ref, put, remove } = change;
    const stored = await this.#shelf.need(ref);
    if (await this.#shelf.active(stored)) {
      return this.#change([await secretsWanted(this.#shelf, change, this.#workspace)], change);
    }
    const main = mainVersion(await this.#shelf.state(stored));
    const known = main ? await this.#shelf.secretNames(stored, main) : [];
    const unknown = (remove ?? []).filter((name) => !known.includes(name));
    if (unknown.length > 0) throw noSecrets(ref, unknown);
    const settings = await this.#shelf.settings(stored);
    const options = { settings, scriptName: stored.script.id, protected: isProtected(stored) };
    const draft = draftWanted(ref, { ...options, ...(put && { secrets: put }) });
    await this.#change([{ ...draft, ...(remove && { withoutSecrets: remove }) }], change);
    return { results: [], warnings: [] };
  }

  async changeSettings(change: SettingsChange): Promise<ChangeReport> {
    return this.#change([await settingsWanted(this.#shelf, change, this.#workspace)], change);
  }

  async rename(ref: EnvironmentRef, name: string, { force }: { force: boolean }): Promise<RenameReport> {
    checkName(name);
    const renamed = { ...ref, environment: name };
    if (name !== PRODUCTION || !(await this.#shelf.find(renamed))) refuseRenamingProduction(ref);
    const stored = await this.#shelf.need(ref);
    if (await this.#shelf.find(renamed)) throw new TroupeError("CONFLICT", `${refId(renamed)} exists already`);
    if (!force) refuseBound(ref, "renamed", await boundBy(this.#shelf, stored));
    const { network } = this.#shelf;
    const scriptName = `${ref.service}-${name}`;
    await network.api.patch<unknown>(`${network.base}/workers/workers/${encodeURIComponent(stored.script.id)}`, {
      body: { name: scriptName, tags: tagsFor(renamed, stored.script.tags ?? []) },
      about: `service ${refId(ref)}`,
      // A second attempt would not find it under its old name.
      landed: async () => {
        const scripts = await network.scripts();
        return scripts.has(scriptName) && !scripts.has(stored.script.id) ? scriptName : undefined;
      },
    });
    this.#shelf.forget();
    const [environment] = await environmentInfos(this.#shelf, [await this.#shelf.need(renamed)]);
    // Its bindings lead where they led: the network has them by the names of Workers.
    return { environment: environment!, warnings: [] };
  }

  async delete(refs: readonly EnvironmentRef[], { force, resources }: DeleteOptions): Promise<string[]> {
    const together = new Set(refs.map(refId));
    const stored = await Promise.all(refs.map((ref) => this.#shelf.need(ref)));
    for (const each of stored) {
      const others = (await this.#shelf.of(each.ref.service)).filter(({ ref }) => !together.has(refId(ref)));
      const staying = others.map(({ ref }) => ref.environment);
      refuseDeletion(each.ref, { staying, protected: isProtected(each), force });
      if (force) continue;
      const by = await boundBy(this.#shelf, each);
      refuseBound(
        each.ref,
        "deleted",
        by.filter((binder) => !together.has(refId(binder))),
      );
    }
    const left = await deleteEnvironments({
      shelf: this.#shelf,
      all: stored,
      resources: resources === true,
      writtenOf: async (each) => (await writtenOf(this.#shelf, each, this.#workspace))?.environment,
    });
    this.#shelf.forget();
    return left;
  }

  async protect(ref: EnvironmentRef, on: boolean): Promise<EnvironmentInfo> {
    const { script } = await this.#shelf.need(ref);
    const { network } = this.#shelf;
    await network.api.patch(`${network.script(script.id)}/script-settings`, {
      body: { tags: withProtection(script.tags ?? [], on) },
      about: `service ${refId(ref)}`,
    });
    this.#shelf.forget();
    const [info] = await environmentInfos(this.#shelf, [await this.#shelf.need(ref)]);
    return info!;
  }

  async close(): Promise<void> {}

  /** Makes all of it true, or nothing. */
  async #change(
    wanted: readonly Wanted[],
    options: ChangeOptions,
    deploy: Pick<DeployRequest, "percentage"> & { workspace?: Workspace } = {},
  ): Promise<ChangeReport> {
    const shelf = this.#shelf;
    const workspace = await deployedView(shelf, wanted, deploy.workspace ?? this.#workspace);
    const { tag, message, git, author, dryRun, allowDataLoss, signal, onProgress } = options;
    const request: DeployAllRequest = {
      wanted,
      workspace,
      ...(tag !== undefined && { tag }),
      ...(message !== undefined && { message }),
      ...(git && { git }),
      ...(author !== undefined && { author }),
      dryRun: dryRun === true,
      allowDataLoss: allowDataLoss === true,
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
      ...(deploy.percentage !== undefined && { percentage: deploy.percentage }),
      versionOf: async (script) => {
        const stored = [...(await shelf.all()).values()].find((each) => each.script.id === script);
        const active = stored && (await shelf.active(stored));
        return stored && active && { ref: stored.ref, version: active.number };
      },
      contentOf: async (script, version) => {
        const stored = [...(await shelf.all()).values()].find((each) => each.script.id === script);
        return stored && shelf.content(stored, version);
      },
    };
    try {
      return await deployAll(shelf.network, request);
    } finally {
      shelf.forget();
    }
  }
}

/** @throws TroupeError USAGE for a name that is no part of a hostname */
function checkName(name: string): void {
  const fault = environmentNameFault(name);
  if (fault) throw new TroupeError("USAGE", `The environment name "${name}" ${fault}`);
}
