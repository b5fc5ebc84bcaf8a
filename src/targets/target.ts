/**
 * The interface of a target: where deployed environments live. `local` is the embedded store, `cloudflare` the network.
 * Commands and ops know nothing of what is behind it; one test suite runs against every target.
 */
import type { Diagnostic } from "../errors.ts";
import type { Bundle, Environment, EnvironmentRef, ModuleType, Service, Workspace } from "../model.ts";
import type { Action, GitState, Provenance } from "../store/records.ts";

export type { Action, GitState, Provenance };

/** An environment as it is listed. */
export interface EnvironmentInfo {
  service: string;
  name: string;
  /** Absent for a private environment, which is reached through bindings only. */
  hostname?: string;
  url?: string;
  /** Custom routes of the active version, by which it is reached where it has no hostname. */
  routes?: string[];
  /** The active version; absent: nothing was deployed to it yet. */
  version?: number;
  protected: boolean;
}

/** One environment with everything in it, but no code and no secret's value. */
export interface EnvironmentDetail extends EnvironmentInfo {
  /** Custom routes of the active version. */
  routes: string[];
  /** What `env set` laid over the config. */
  settings: Record<string, unknown>;
  /** The environment that it started from, when the config does not mention it. */
  base?: string;
  active?: VersionDetail;
  secrets: SecretInfo[];
  /** Who binds it. */
  boundBy: (EnvironmentRef & { binding: string })[];
}

export interface VersionInfo extends Provenance {
  number: number;
  /** Where several share the traffic: the one with the largest share. */
  active: boolean;
  /** Share of the traffic that it gets, where several versions share it. */
  percentage?: number;
  source: Action;
  contentHash: string;
  size: number;
  createdAt: string;
}

export interface VersionDetail extends VersionInfo {
  ref: EnvironmentRef;
  environment: Environment;
  modules: { name: string; type: ModuleType; size: number; hash: string }[];
  files: { path: string; fingerprint: string }[];
  /** Secret name → fingerprint of its value. */
  secrets: Record<string, string>;
}

export interface DeploymentInfo {
  /** A number, or what the target calls it. */
  id: number | string;
  /** Shared by the deployments that one command made. */
  operation: string;
  service: string;
  environment: string;
  version: number;
  /** Share of the traffic that the version got, where it was not all of it. */
  percentage?: number;
  action: Action;
  from?: EnvironmentRef & { version: number };
  message?: string;
  author?: string;
  /** `service@environment` → version of every bound service at that moment. */
  bound: Record<string, number>;
  createdAt: string;
}

export interface SecretInfo {
  name: string;
  /** Equal for equal values; absent where the target does not tell. */
  fingerprint?: string;
  createdAt?: string;
}

/** One environment of a deploy, built. */
export interface DeployItem {
  environment: Environment;
  bundle: Bundle;
  /** The parsed config file: a version carries it, so that it can be resolved for another environment. */
  sourceConfig: Record<string, unknown>;
  /** Set where environments of the service have config files of their own. */
  joined?: Pick<Service, "dialect" | "configPath" | "files">;
  /** Values of secrets to set with it (`--secrets-file`). */
  secrets?: Record<string, string>;
  /** For an environment that is made with it: what it starts from, when the config does not mention it. */
  create?: NewEnvironment;
}

export interface NewEnvironment {
  base?: string;
  protected?: boolean;
}

/** What holds for every verb that changes something. */
export interface ChangeOptions extends Provenance {
  /** Says what would happen, and changes nothing. */
  dryRun?: boolean;
  /** Deleting Durable Object classes with their data is meant. */
  allowDataLoss?: boolean;
  signal?: AbortSignal;
  /** Progress, for people. */
  onProgress?(message: string): void;
}

export interface DeployRequest extends ChangeOptions {
  /** Dependencies first. All of them, or none. */
  items: DeployItem[];
  /** What references in the items are looked up in, before what is deployed. */
  workspace: Workspace;
  /** Share of the traffic that the new versions get at first, where the target can split it. */
  percentage?: number;
}

/** What happened (or would happen) to one environment. */
export interface ChangeResult {
  service: string;
  environment: string;
  /** The version that is active now. */
  version: number;
  /** False: what is active already is the same, nothing was done. */
  changed: boolean;
  hostname?: string;
  url?: string;
  routes: string[];
  contentHash: string;
  size: number;
  /** In a few words each: "code", "vars.GREETING", "binding CACHE", "secret TOKEN". */
  changes: string[];
  /** What the previous version was. */
  previous?: number;
}

export interface ChangeReport {
  results: ChangeResult[];
  warnings: Diagnostic[];
}

export interface CloneRequest extends ChangeOptions {
  services: string[];
  from: string;
  to: string;
  /** Clones what they bind in the same environment, too. */
  graph: boolean;
  data: "fresh" | "copy" | "share";
  /** Values for secrets of the clones, by name; a target that can read them takes over the others. */
  secrets?: Record<string, string>;
}

export interface PromoteRequest extends ChangeOptions {
  services: string[];
  from: string;
  to: string;
  /** Promotes what they bind in the same environment, too. */
  graph: boolean;
}

export interface RollbackRequest extends ChangeOptions {
  ref: EnvironmentRef;
  /** Left out: the version that was active before this one. */
  version?: number;
}

export interface RolloutRequest extends ChangeOptions {
  refs: readonly EnvironmentRef[];
  /** The share of the newer version from now on: 100 completes the rollout, 0 takes it back. */
  percentage: number;
}

export interface SecretChange extends ChangeOptions {
  ref: EnvironmentRef;
  put?: Record<string, string>;
  remove?: string[];
}

export interface SettingsChange extends ChangeOptions {
  ref: EnvironmentRef;
  /** The whole overlay that replaces the old one. */
  settings: Record<string, unknown>;
}

export interface DeleteOptions {
  force: boolean;
  /** Deletes the editions of resources that nobody else uses, where the target does not do so by itself. */
  resources?: boolean;
}

export interface RenameReport {
  environment: EnvironmentInfo;
  /** Bindings that lead elsewhere from now on. */
  warnings: Diagnostic[];
}

/**
 * Every verb throws TroupeError: NOT_FOUND, CONFLICT, PROTECTED, PRECONDITION, START, STORE, AUTH, UNREACHABLE. Each is one
 * operation: all of it happens, or nothing.
 */
export interface Target {
  readonly id: "local" | "cloudflare";
  list(service?: string): Promise<EnvironmentInfo[]>;
  read(ref: EnvironmentRef): Promise<EnvironmentDetail>;
  versions(ref: EnvironmentRef, limit?: number): Promise<VersionInfo[]>;
  /** @param number left out: the active one */
  version(ref: EnvironmentRef, number?: number): Promise<VersionDetail>;
  /** The code of a version, byte for byte. */
  bundle(ref: EnvironmentRef, number?: number): Promise<Bundle>;
  /** Newest first; without `ref`: of all environments. */
  deployments(ref?: EnvironmentRef, limit?: number): Promise<DeploymentInfo[]>;
  /**
   * An environment of a service's config as this target has it: with what was set or made there. Undefined when neither the
   * config nor the target has it; with `create`, what it would be.
   */
  resolve(service: Service, environment: string, create?: NewEnvironment): Promise<Environment | undefined>;
  deploy(request: DeployRequest): Promise<ChangeReport>;
  /** Makes environments without a version. */
  create(refs: readonly EnvironmentRef[], options: NewEnvironment): Promise<EnvironmentInfo[]>;
  clone(request: CloneRequest): Promise<ChangeReport>;
  promote(request: PromoteRequest): Promise<ChangeReport>;
  rollback(request: RollbackRequest): Promise<ChangeReport>;
  /** Moves the traffic of versions that share it; absent where there is no such thing. */
  rollout?(request: RolloutRequest): Promise<ChangeReport>;
  rename(ref: EnvironmentRef, name: string, options: { force: boolean }): Promise<RenameReport>;
  /**
   * Those that bind each other may go together.
   * @returns resources of theirs that are left, in words
   */
  delete(refs: readonly EnvironmentRef[], options: DeleteOptions): Promise<string[]>;
  changeSecrets(change: SecretChange): Promise<ChangeReport>;
  changeSettings(change: SettingsChange): Promise<ChangeReport>;
  protect(ref: EnvironmentRef, on: boolean): Promise<EnvironmentInfo>;
  close(): Promise<void>;
}
