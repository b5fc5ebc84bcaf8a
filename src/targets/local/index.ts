/** The target `local`: the embedded store of a workspace. Every verb is one transaction. */

import { environmentNameFault, type StoredConfig, storedConfig } from "../../config/index.ts";
import { TroupeError, throwIfErrors } from "../../errors.ts";
import { hostLabel } from "../../host/hostname.ts";
import { removeSeed } from "../../host/seeds.ts";
import { type Bundle, type Environment, type EnvironmentRef, refId, type Service } from "../../model.ts";
import { type EnvironmentRecord, openStore, type Store } from "../../store/index.ts";
import { refuseBound, refuseDeletion, refuseProtected, refuseRenamingProduction } from "../promotion.ts";
import type {
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
  SecretChange,
  SettingsChange,
  Target,
  VersionDetail,
  VersionInfo,
} from "../target.ts";
import { addressIn } from "./address.ts";
import { Changes } from "./changes.ts";
import { meetingFaults } from "./checks.ts";
import { deployedWorkspace } from "./deployed.ts";
import type { Draft } from "./draft.ts";
import { readFiles } from "./files.ts";
import {
  type Address,
  boundBy,
  deploymentInfo,
  environmentDetail,
  environmentInfo,
  versionInfo,
  versionView,
} from "./info.ts";
import { cloneDrafts, newSettings, promotionDrafts, resolveFor, settingsDrafts } from "./promotion.ts";
import { leadsTo, ledElsewhere } from "./renaming.ts";
import type { Trial } from "./trial.ts";

export interface LocalTargetOptions {
  /** The state folder; it must exist. */
  folder: string;
  now(): Date;
  /** Fails with NOT_FOUND instead of making a new store. */
  mustExist?: boolean;
  /** What must succeed before a change is committed. Default: all that is deployed starts. */
  trial?: Trial;
}

/** @throws TroupeError STORE, NOT_FOUND */
export function openLocalTarget({ folder, now, mustExist, trial }: LocalTargetOptions): Target {
  return new LocalTarget(openStore(folder, { now, ...(mustExist && { mustExist }) }), now, addressIn(folder), trial);
}

class LocalTarget implements Target {
  readonly id = "local";
  readonly #store: Store;
  readonly #address: Address;
  readonly #changes: Changes;

  constructor(store: Store, now: () => Date, address: Address, trial?: Trial) {
    this.#store = store;
    this.#address = address;
    this.#changes = new Changes(store, { now, address, trial });
  }

  async list(service?: string): Promise<EnvironmentInfo[]> {
    return this.#store.environments(service).map((record) => environmentInfo(record, this.#address));
  }

  async read(ref: EnvironmentRef): Promise<EnvironmentDetail> {
    return environmentDetail(this.#store, this.#store.environment(ref), this.#address);
  }

  async versions(ref: EnvironmentRef, limit?: number): Promise<VersionInfo[]> {
    return this.#store.versions(this.#store.environment(ref), limit).map(versionInfo);
  }

  async version(ref: EnvironmentRef, number?: number): Promise<VersionDetail> {
    this.#store.environment(ref);
    return versionView(this.#store, this.#store.version(ref, number));
  }

  async bundle(ref: EnvironmentRef, number?: number): Promise<Bundle> {
    this.#store.environment(ref);
    return this.#store.loadBundle(this.#store.version(ref, number));
  }

  async deployments(ref?: EnvironmentRef, limit?: number): Promise<DeploymentInfo[]> {
    return this.#store.deployments(ref && this.#store.environment(ref), limit).map(deploymentInfo);
  }

  async resolve(service: Service, environment: string, create?: NewEnvironment): Promise<Environment | undefined> {
    const ref = { service: service.name, environment };
    const record = this.#store.findEnvironment(ref);
    const { environments } = service;
    const written = Object.hasOwn(environments, environment) ? environments[environment] : undefined;
    if (!record && (written || !create)) return written;
    if (!record) checkName(environment);
    const settings = record?.settings ?? newSettings(this.#store, ref, create?.base);
    const { edition, ...others } = settings;
    const plain = edition === environment && Object.keys(others).length === 0;
    if (written && plain) return written;
    return resolveFor(this.#store, ref, storedConfig(service), settings);
  }

  async deploy(request: DeployRequest): Promise<ChangeReport> {
    for (const { environment } of request.items) {
      const ref = { service: environment.service, environment: environment.name };
      refuseProtected(ref, environment.protected || this.#store.findEnvironment(ref)?.protected === true);
    }
    const drafts = await Promise.all(request.items.map((item) => this.#deployDraft(item)));
    if (!request.dryRun) {
      this.#store.transaction(() => {
        for (const { bundle } of request.items) this.#store.mendBundle(bundle);
      });
    }
    return this.#changes.make(async () => drafts, request, false);
  }

  async #deployDraft({ environment, bundle, sourceConfig, joined, secrets, create }: DeployItem): Promise<Draft> {
    const { service, name, dialect, configPath } = environment;
    const ref = { service, environment: name };
    const record = this.#store.findEnvironment(ref);
    const base = baseOf(this.#store, ref, create?.base);
    const file = joined ? { ...joined, name: service } : { name: service, dialect, configPath };
    const config = storedConfig({ ...file, source: sourceConfig });
    return {
      ref,
      action: "deploy",
      ...(!record && { settings: newSettings(this.#store, ref, create?.base) }),
      secrets: { ...(secrets && { put: secrets }), ...(!record && base && { copyFrom: base }) },
      fresh: {
        environment,
        config,
        code: bundle,
        files: await readFiles(environment),
      },
    };
  }

  async create(refs: readonly EnvironmentRef[], options: NewEnvironment): Promise<EnvironmentInfo[]> {
    for (const { environment } of refs) checkName(environment);
    const records = this.#store.transaction(() =>
      refs.map((ref) => {
        if (this.#store.findEnvironment(ref)) throw new TroupeError("CONFLICT", `${refId(ref)} exists already`);
        const made = this.#store.createEnvironment(ref, hostLabel(ref), newSettings(this.#store, ref, options.base));
        const base = baseOf(this.#store, ref, options.base);
        if (base) this.#store.copySecrets(base, made);
        if (options.protected) this.#store.setProtected(made, true);
        return this.#store.environment(ref);
      }),
    );
    return records.map((record) => environmentInfo(record, this.#address));
  }

  clone(request: CloneRequest): Promise<ChangeReport> {
    checkName(request.to);
    return this.#changes.make(() => cloneDrafts(this.#store, request), request, true);
  }

  promote(request: PromoteRequest): Promise<ChangeReport> {
    return this.#changes.make(() => promotionDrafts(this.#store, request), request, true);
  }

  async rollback(request: RollbackRequest): Promise<ChangeReport> {
    const { ref } = request;
    const draft = async (): Promise<Draft> => {
      const record = this.#store.environment(ref);
      const number = request.version ?? this.#previousVersion(ref);
      const existing = this.#store.version(ref, number);
      return { ref, action: "rollback", existing, secrets: { restore: true }, settings: record.settings };
    };
    return this.#changes.make(async () => [await draft()], request, true);
  }

  /** The version that was active before the one that is. */
  #previousVersion(ref: EnvironmentRef): number {
    const record = this.#store.environment(ref);
    const active = record.activeVersion;
    const earlier = this.#store.deployments(record).find(({ version }) => version !== active);
    if (earlier) return earlier.version;
    throw new TroupeError("PRECONDITION", `${refId(ref)} has no earlier version to go back to`, {
      notes: ["See `troupe versions list`"],
    });
  }

  async changeSecrets(change: SecretChange): Promise<ChangeReport> {
    const { ref, put, remove } = change;
    const record = this.#store.environment(ref);
    const unknown = (remove ?? []).filter((name) => !this.#store.secrets(record).some((each) => each.name === name));
    if (unknown.length > 0) {
      throw new TroupeError("NOT_FOUND", `${refId(ref)} has no secret ${unknown.join(", ")}`, {
        notes: ["See `troupe secret list`"],
      });
    }
    const secrets = { ...(put && { put }), ...(remove && { remove }) };
    if (record.activeVersionId === undefined) {
      this.#store.transaction(() => {
        for (const name of remove ?? []) this.#store.removeSecret(record, name);
        for (const [name, value] of Object.entries(put ?? {})) this.#store.putSecret(record, name, value);
      });
      return { results: [], warnings: [] };
    }
    const draft = async (): Promise<Draft> => {
      const version = this.#store.version(ref);
      const { environment, files } = version;
      const config = version.sourceConfig as StoredConfig;
      return { ref, action: "secret", secrets, fresh: { environment, config, code: version, files } };
    };
    return this.#changes.make(async () => [await draft()], change, true);
  }

  changeSettings(change: SettingsChange): Promise<ChangeReport> {
    return this.#changes.make(() => settingsDrafts(this.#store, change), change, true);
  }

  async rename(ref: EnvironmentRef, name: string, { force }: { force: boolean }): Promise<RenameReport> {
    checkName(name);
    refuseRenamingProduction(ref);
    const renamed = { ...ref, environment: name };
    const warnings = this.#store.transaction(() => {
      const led = leadsTo(this.#store, ref);
      const record = this.#store.environment(ref);
      this.#refuseBound(ref, force, "renamed");
      if (this.#store.findEnvironment(renamed)) throw new TroupeError("CONFLICT", `${refId(renamed)} exists already`);
      this.#store.renameEnvironment(record, name, hostLabel(renamed));
      // The config may go on calling it by its old name.
      const { settings } = record;
      if (settings.base === undefined) {
        this.#store.setSettings(record, { ...settings, writtenAs: settings.writtenAs ?? ref.environment });
      }
      for (const other of this.#store.environments(ref.service)) {
        if (other.settings.share !== ref.environment) continue;
        this.#store.setSettings(other, { ...other.settings, share: name });
      }
      this.#refuseMeeting();
      return ledElsewhere(ref, renamed, led, leadsTo(this.#store, renamed));
    });
    return { environment: environmentInfo(this.#store.environment(renamed), this.#address), warnings };
  }

  async delete(refs: readonly EnvironmentRef[], { force }: DeleteOptions): Promise<string[]> {
    const records = this.#store.transaction(() => {
      for (const ref of refs) this.#refuseDeletion(ref, refs, force);
      const gone = refs.map((ref) => this.#store.environment(ref));
      for (const record of gone) this.#store.deleteEnvironment(record);
      this.#refuseMeeting();
      return gone;
    });
    for (const { settings } of records) if (settings.seed) await removeSeed(this.#changes.dataDir, settings.seed);
    return [];
  }

  /** @param together what is deleted with it */
  #refuseDeletion(ref: EnvironmentRef, together: readonly EnvironmentRef[], force: boolean): void {
    const record = this.#store.environment(ref);
    const staying = this.#store
      .environments(ref.service)
      .filter((each) => !together.some((other) => refId(other) === refId(each)));
    const names = staying.map(({ environment }) => environment);
    refuseDeletion(ref, { staying: names, protected: record.protected, force });
    this.#refuseBound(ref, force, "deleted", together);
  }

  #refuseBound(ref: EnvironmentRef, force: boolean, what: string, together: readonly EnvironmentRef[] = []): void {
    if (force) return;
    const by = boundBy(this.#store, ref).filter((each) => !together.some((other) => refId(other) === refId(each)));
    refuseBound(ref, what, by);
  }

  /** Where something was renamed or deleted, bindings of others may lead elsewhere. */
  #refuseMeeting(): void {
    const faults = meetingFaults(deployedWorkspace(this.#store), this.#changes.dataDir);
    throwIfErrors("PRECONDITION", faults, `${faults.length} things stand in the way; nothing was changed`);
  }

  async protect(ref: EnvironmentRef, on: boolean): Promise<EnvironmentInfo> {
    this.#store.transaction(() => this.#store.setProtected(this.#store.environment(ref), on));
    return environmentInfo(this.#store.environment(ref), this.#address);
  }

  async close(): Promise<void> {
    this.#store.close();
  }
}

/** The environment that a new one takes its secrets from. */
function baseOf(store: Store, { service }: EnvironmentRef, base: string | undefined): EnvironmentRecord | undefined {
  return base === undefined ? undefined : store.findEnvironment({ service, environment: base });
}

/** @throws TroupeError USAGE for a name that is no part of a hostname */
function checkName(name: string): void {
  const fault = environmentNameFault(name);
  if (fault) throw new TroupeError("USAGE", `The environment name "${name}" ${fault}`);
}
