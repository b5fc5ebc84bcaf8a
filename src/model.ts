/**
 * The resolved model. `config/` makes it, everyone after reads it, nobody reads a config file again.
 * Everything here is plain data (JSON-serialisable, except module contents, which are bytes).
 */

/** Which config file format a service was written in; the rules differ (docs/config.md). */
export type Dialect = "troupe" | "wrangler";

/** The environment that every service has. */
export const PRODUCTION = "production";

/** Names one environment of one service. Written `service@environment` in messages and worker ids. */
export interface EnvironmentRef {
  service: string;
  environment: string;
}

/** `service@environment`. */
export function refId(ref: EnvironmentRef): string {
  return `${ref.service}@${ref.environment}`;
}

/**
 * Where a value was written: a file and the path of keys inside it. Line and column are looked up only when something
 * is shown (`config/position.ts`), because finding them costs a second parse.
 */
export interface Written {
  file: string;
  path: (string | number)[];
  /** The environment whose table holds it; `production` for the top level. */
  environment: string;
}

/** A folder tree of services. A single service outside any workspace is a workspace of one. */
export interface Workspace {
  /** Absolute folder of the root config file; `.troupe/` lies here. */
  root: string;
  /** Members in the order they are listed (or found). The first is the default of `dev`. */
  services: Service[];
  /** The service in whose folder the command was run, if any. */
  current?: string;
  /** Promotion order, `[pipeline] stages`. */
  stages?: string[];
  /** Every file that was read to make this model (config files; also the redirect file), absolute. For watching. */
  files: string[];
  /** Folders whose change can add or remove members (parents of `members` globs), absolute. For watching. */
  memberFolders: string[];
}

export interface Service {
  name: string;
  dialect: Dialect;
  /** Absolute path of its config file. */
  configPath: string;
  /** Absolute folder of its config file: what relative paths in the config start from. */
  dir: string;
  /** Keyed by name; always holds the production environment. */
  environments: Record<string, Environment>;
  /** The environment selected when none is named on the command line. */
  defaultEnvironment: string;
  /** Environments that have a config file of their own, of which the top level counts (`[workspace.services]`). */
  files?: Record<string, EnvironmentFile>;
  /** The config file as parsed: `config/` can resolve it again for an environment that the file does not mention. */
  source: Record<string, unknown>;
}

/** A config file of one environment, as parsed. */
export interface EnvironmentFile {
  dialect: Dialect;
  configPath: string;
  source: Record<string, unknown>;
}

/** One environment of one service, fully resolved. */
export interface Environment {
  service: string;
  name: string;
  /** The Worker's name on Cloudflare's network: `<service>`, `<service>-<env>`, or `[env.X] name`. */
  scriptName: string;
  dialect: Dialect;
  /**
   * The environment that it is a copy of, where wrangler.* does not mention it: what that one binds by script name is
   * followed to the environment of this one's name.
   */
  copyOf?: string;
  configPath: string;
  dir: string;
  /** Where `.dev.vars` and `.env*` lie, when it is not `dir`: a build tool generated the config from the one there. */
  userDir?: string;
  /** Absolute path of the entry file; absent for a service of static assets only. */
  main?: string;
  compatibilityDate: string;
  compatibilityFlags: string[];
  /** Everything the code can reach, and the consumers attached to it, in the order written. */
  bindings: Binding[];
  /** Cron expressions. */
  crons: string[];
  routes: Route[];
  /** `workers_dev` as written; undefined when not written. */
  workersDev?: boolean;
  /** `[env.X] protected`: accepts promotions only. */
  protected: boolean;
  migrations: Migration[];
  build: BuildSettings;
  /** All other resolved keys as written (`observability`, `limits`, `placement`, `logpush`, `exports`…), for targets. */
  settings: Record<string, unknown>;
  /** Where each top-level key of the resolved config came from, by dotted key path ("vars.GREETING"). */
  written: Record<string, Written>;
}

/** A private environment has no hostname: it is reachable only through bindings. */
export function isPrivate(environment: Environment): boolean {
  return environment.workersDev === false && environment.routes.length === 0;
}

export interface Route {
  pattern: string;
  customDomain?: boolean;
  zoneName?: string;
  zoneId?: string;
  /** Of a custom domain: false switches it off without giving it up. */
  enabled?: boolean;
  /** Of a custom domain: addresses of single versions lie below it. */
  previewsEnabled?: boolean;
}

/** One step of the Durable Object class history, Wrangler's `[[migrations]]`. */
export interface Migration {
  tag: string;
  new_classes?: string[];
  new_sqlite_classes?: string[];
  renamed_classes?: { from: string; to: string }[];
  deleted_classes?: string[];
  transferred_classes?: { from: string; from_script: string; to: string }[];
}

/** What the bundler needs to know; keys are Wrangler's, camel-cased. */
export interface BuildSettings {
  rules: {
    type: "ESModule" | "CommonJS" | "CompiledWasm" | "Text" | "Data" | "PythonModule" | "PythonRequirement";
    globs: string[];
    fallthrough?: boolean;
  }[];
  define: Record<string, string>;
  alias: Record<string, string>;
  noBundle: boolean;
  findAdditionalModules: boolean;
  preserveFileNames: boolean;
  minify: boolean;
  keepNames: boolean;
  /** Absolute. */
  baseDir?: string;
  /** Absolute. */
  tsconfig?: string;
  jsxFactory: string;
  jsxFragment: string;
  uploadSourceMaps: boolean;
  /** `[build]`: a command to run before bundling. */
  custom?: { command: string; cwd: string; watchDir: string[] };
  /** wasm_modules, text_blobs, data_blobs of service-worker syntax: name → absolute path. */
  wasmModules: Record<string, string>;
  textBlobs: Record<string, string>;
  dataBlobs: Record<string, string>;
}

/** Of an environment whose code is not bundled here: it is there already. */
export const NO_BUILD: BuildSettings = {
  rules: [],
  define: {},
  alias: {},
  noBundle: true,
  findAdditionalModules: false,
  preserveFileNames: false,
  minify: false,
  keepNames: false,
  jsxFactory: "",
  jsxFragment: "",
  uploadSourceMaps: true,
  wasmModules: {},
  textBlobs: {},
  dataBlobs: {},
};

/**
 * `own`: this environment wrote it. `inherited`: written elsewhere; a stateful one has this environment's own edition.
 * `shared`: inherited, and points at the original on purpose.
 */
export type BindingOrigin = "own" | "inherited" | "shared";

/** A name in `env`, or a consumer attached to a service (queue consumer, tail consumer). */
export interface Binding {
  /** The name in `env`. For an attachment that has none: what it attaches to (the queue's name, the tail service). */
  name: string;
  /** Id of its BindingKind: "kv", "service", "var"… */
  kind: string;
  /** False for attachments: they take no name in `env`. */
  inEnv: boolean;
  /** The validated config entry, keys as written. Its shape belongs to the kind. */
  entry: Record<string, unknown>;
  resource?: Resource;
  origin: BindingOrigin;
  written: Written;
}

/** What a stateful binding points to. Two bindings with equal `id` and `type` share one. */
export interface Resource {
  /** "kv", "r2", "d1", "queue", "workflow"…: the namespace of its id. */
  type: string;
  /** `name` for the original, `name@edition` for an edition. */
  id: string;
  /** As written (`id`, `bucket_name`, …) or `<service>/<binding>`. */
  name: string;
  /** The environment whose own edition this is; absent for the original. */
  edition?: string;
}

/** Module types as workerd knows them. */
export type ModuleType =
  | "esm"
  | "cjs"
  | "text"
  | "data"
  | "wasm"
  | "json"
  | "python"
  | "python-requirement"
  | "sourcemap";

export interface Module {
  /** Posix path relative to the main module, unique within the bundle. */
  name: string;
  type: ModuleType;
  contents: Uint8Array;
}

/** What runs. The same bytes on every target. */
export interface Bundle {
  format: "modules" | "service-worker";
  /** Name of the entry in `modules`. */
  mainModule: string;
  /** Main module first, the rest sorted by name; source maps included as modules of type `sourcemap`. */
  modules: Module[];
  /** Names exported by the main module (`default`, entrypoints, Durable Object and Workflow classes). Empty for service-worker. */
  exports: string[];
  /** SHA-256 (hex) over format, main module, and names, types and contents of all modules but source maps. */
  contentHash: string;
  /** Sum of the modules' bytes without source maps. */
  size: number;
}

/** How one generation takes over from another: docs/runtime.md. */
export type SwapMode = "load" | "overlap" | "prewarm" | "hold";

/** What became of a batch of a queue's messages. */
export interface BatchOutcome {
  queue: string;
  outcome: string;
  acked: number;
  retried: number;
  /** Moved to the dead-letter queue. */
  dead: number;
  /** Used up their retries, and there is no dead-letter queue. */
  dropped: number;
  ms: number;
}
