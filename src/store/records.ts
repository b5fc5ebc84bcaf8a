/** What the store hands out: plain data. */
import type { Environment, EnvironmentRef, ModuleType } from "../model.ts";

export type Action = "deploy" | "promote" | "clone" | "rollback" | "secret" | "settings";

export interface GitState {
  commit?: string;
  branch?: string;
  dirty?: boolean;
}

/** Who, what and why: recorded with versions and deployments. */
export interface Provenance {
  tag?: string;
  message?: string;
  git?: GitState;
  author?: string;
}

/** What is asked of all active versions at once: small, where an environment is large. */
export interface VersionSummary {
  /** It has no hostname. */
  private: boolean;
  /** What its bindings refer to in other services, as written: a name, perhaps an environment. */
  references: { service: string; environment?: string }[];
  /** What it has to itself alone (`src/bindings/claims.ts`). */
  claims: string[];
  /** Patterns of its routes. */
  routes: string[];
  /** `Environment.copyOf` */
  copyOf?: string;
  /** The date of the runtime that has started it, beside what it binds, before it was stored. */
  startedOn?: string;
}

/** What an environment holds besides its versions. */
export interface EnvironmentSettings {
  /** What `env set` laid over the config: a table of config keys, as it could stand in `[env.NAME]`. */
  overlay?: Record<string, unknown>;
  /** The environment it started from, for one that the config does not mention. */
  base?: string;
  /** The name that the config has it under, for one that was renamed. */
  writtenAs?: string;
  /** The name its editions of resources go by: the one it was created with, whatever it is called now. */
  edition: string;
  /** The environment whose resources it uses instead of editions of its own (`env clone --data share`). */
  share?: string;
  /** Data that was copied for it and that its first start takes over (`env clone --data copy`): a folder's name. */
  seed?: string;
  /**
   * The worker whose Durable Objects it has copies of (`env clone --data copy`): what its objects' ids and data go by, since
   * ids are made of it. Default: its own.
   */
  objects?: string;
}

export interface EnvironmentRecord extends EnvironmentRef {
  id: number;
  label: string;
  protected: boolean;
  settings: EnvironmentSettings;
  /** Number of the active version; undefined: nothing was deployed yet. */
  activeVersion?: number;
  activeVersionId?: number;
  /** The number that its next version gets. */
  nextVersion: number;
  /** Of the active version. */
  summary?: VersionSummary;
  createdAt: Date;
}

export interface StoredBundle {
  format: "modules" | "service-worker";
  mainModule: string;
  exports: string[];
  modules: { name: string; type: ModuleType; blob: string }[];
}

/** A file that a binding reads. */
export interface StoredFile {
  /** From the folder of the config, with `/`; may begin with `..`. */
  path: string;
  blob: string;
  /** Sealed like a secret: files that a binding names one by one may be private keys. */
  sealed?: true;
  /** Equal for equal contents. */
  fingerprint: string;
}

/** A version as it is listed: without code. */
export interface VersionRecord extends Provenance {
  id: number;
  ref: EnvironmentRef;
  number: number;
  active: boolean;
  source: Action;
  contentHash: string;
  fingerprint: string;
  size: number;
  createdAt: Date;
}

/** Everything that makes a version. What is large is read when it is asked for. */
export interface VersionDetail extends VersionRecord {
  summary: VersionSummary;
  bundle: StoredBundle;
  environment: Environment;
  sourceConfig: unknown;
  /** Secret name → revision. */
  secrets: Record<string, number>;
  files: StoredFile[];
}

export interface DeploymentRecord {
  id: number;
  operation: string;
  ref: EnvironmentRef;
  version: number;
  action: Action;
  origin?: EnvironmentRef & { version: number };
  message?: string;
  author?: string;
  /** `service@environment` → version number of every bound service at that moment. */
  bound: Record<string, number>;
  createdAt: Date;
}
