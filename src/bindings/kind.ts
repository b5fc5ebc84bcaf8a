/**
 * The interface of a binding kind: everything troupe knows about one kind of binding, in one object. `config`, `graph`,
 * `runtime`, `targets`, `bindings` and `types` loop over the list in `index.ts` and never switch over kinds.
 */
import type { WorkerOptions } from "miniflare";
import type * as z from "zod";
import type { Diagnostic } from "../errors.ts";
import type { Binding, Environment, EnvironmentRef } from "../model.ts";
import type { QueueService } from "./queue-service.ts";

/** Where a kind's entries stand in a config file, and how each entry gets its name. */
export interface BindingConfigKey {
  /** Path of keys: ["kv_namespaces"], ["durable_objects", "bindings"]. The first element is a top-level config key. */
  path: readonly string[];
  /**
   * list: array of tables, each named by its `nameField` · single: one table named by its `nameField`; an entry without
   * that field (assets without a binding, a kind without `nameField`) is an attachment named by the last key of `path` ·
   * record: NAME = value, the entry is `{ value }` · names: a list of strings, the entry is `{}`.
   */
  form: "list" | "single" | "record" | "names";
  /** The field that names an entry. For `list` and `single`. */
  nameField?: string;
  /** False when the name is not a name in `env` (queue consumers, tail consumers). Default true. */
  inEnv?: boolean;
  /** Schema of one entry (of the value, for `record`), in Wrangler's keys. Strict: unknown keys are found by it. */
  entry: z.ZodType;
  /** True for keys that Wrangler inherits (only `assets`). Default false. */
  inheritable?: boolean;
  /** One sentence for the JSON Schema and for `bindings add --help`. */
  description: string;
}

/** Something that stands in the same table as a kind's bindings and is no binding: `durable_objects.code_update_strategy`. */
export interface BindingSetting {
  path: readonly string[];
  schema: z.ZodType;
  description: string;
}

/** What a binding refers to in another (or its own) service. */
export interface Reference {
  /** The service's name as written; undefined means the service itself. In the Wrangler dialect also `<name>-<env>`. */
  service?: string;
  /** `environment = "…"` as written. */
  environment?: string;
  /** A named export that must exist there: a WorkerEntrypoint, a Durable Object class, a Workflow class. */
  exportName?: string;
  /** What that export has to be, for messages. */
  role: "service" | "entrypoint" | "durable-object" | "workflow" | "tail";
}

/** Which resource a binding names, before isolation is applied. */
export interface ResourceNaming {
  type: string;
  /** Entry keys that can hold the resource's name, in order of preference: ["id"], ["database_id", "database_name"]. */
  fields: readonly string[];
  /** Entry key preferred in local dev under the Wrangler dialect: "preview_id". */
  previewField?: string;
  /** What the network's own ids look like: a name written in the config that matches is an id, any other is looked up by name. */
  idPattern?: RegExp;
  /** True for what comes into being by being used: on the network it needs a name, and nothing to be created. */
  byName?: boolean;
  /** False for an entry that names no resource of its own (a Workflow of another service). Default: all do. */
  applies?(entry: Record<string, unknown>): boolean;
}

/** How a reference was resolved against the workspace (and later the store). */
export interface ResolvedReference {
  /** The environment referred to, also when it is missing. */
  ref: EnvironmentRef;
  /** Why that environment was picked, for people: "same name", "written", "auth has no staging: production". */
  reason: string;
  /** Worker id in the running graph. For a missing service: the id of a stand-in that answers 503 naming it. */
  worker: string;
  /** Set when the service, environment or export does not exist: the sentence to show. */
  missing?: string;
  /** The environment's resolved model, when it exists: what it declares itself (storage of its classes, its workflows). */
  environment?: Environment;
  /** What the ids and the data of its Durable Objects go by, when that is not `worker`. */
  objects?: string;
}

/** What a kind may do to put its binding into a local graph. One context per binding. */
export interface LocalContext {
  environment: Environment;
  /** Id of the worker being built, `service@environment`. */
  worker: string;
  /** Names exported by the worker's bundle. */
  exports: readonly string[];
  /** The reference resolved, for a kind that declares `references`. */
  resolve(reference: Reference): ResolvedReference;
  /** The value of a secret with this name, if any is known locally. */
  secret(name: string): string | undefined;
  /** The version that runs; absent in `dev`, where code has none. `timestamp` is ISO 8601. */
  version?: { id: string; tag: string; timestamp: string };
  /** Keeps what is sent to queues; absent: the process does, in its memory. */
  queues?: QueueService;
  /** Puts a binding into this worker's `env`. */
  bind(name: string, binding: MiniflareBindingInput): void;
  /** Declares a class exported by `worker` (default: this one) as Durable Object or the like. */
  declareExport(className: string, exported: MiniflareExportInput, worker?: string): void;
  addTrigger(trigger: MiniflareTriggerInput): void;
  /** `streaming`: gets events as they happen (`tailStream`), not after the invocation (`tail`). */
  addTail(tail: { worker: string; entrypoint?: string; props?: Record<string, unknown>; streaming?: boolean }): void;
  /** Sets options of the worker itself (`config.assets`, `dev.…`): merged one level deep. */
  configure(options: {
    config?: Record<string, unknown>;
    dev?: Record<string, unknown>;
    legacy?: Record<string, unknown>;
  }): void;
  /** Adds a helper worker of troupe's own to the graph; ids start with `troupe:`. A second one with the same id is ignored. */
  addWorker(worker: WorkerOptions): void;
  /** Objects of a class of this worker have `property` in their `ctx`, whose every use throws the message. */
  lack(className: string, property: string, message: string): void;
  /** Says once what cannot work locally. */
  warn(diagnostic: Diagnostic): void;
  /**
   * Reads a file named in the config (relative to the config's folder), as text.
   * @throws TroupeError CONFIG naming the file when it cannot be read
   */
  readFile(path: string): string;
}

type WorkerEnv = NonNullable<WorkerOptions["config"]["env"]>;
export type MiniflareBindingInput = WorkerEnv[string];
export type MiniflareExportInput = NonNullable<WorkerOptions["config"]["exports"]>[string];
export type MiniflareTriggerInput = NonNullable<WorkerOptions["config"]["triggers"]>[number];
export type { WorkerOptions };

/** What a Cloudflare target tells a kind, so that it can write its upload metadata. */
export interface UploadContext {
  environment: Environment;
  /** Script name on the network of the environment a reference points to. */
  scriptName(reference: Reference): string;
  /** The environment a reference points to, when it is in the workspace. */
  environmentOf(reference: Reference): Environment | undefined;
  /** The network's id for a resource: looked up or provisioned by the target. */
  resourceId(binding: Binding): string;
  /** The value of a secret of the version being uploaded; undefined: keep what the network has. */
  secret(name: string): string | undefined;
}

/** What `troupe types` tells a kind. */
export interface TypeContext {
  environment: Environment;
  /**
   * A TypeScript expression for an export of a service in the workspace, if its source is there:
   * `import("../auth/src/index").Verifier`, with `.default` for a reference without `exportName`.
   */
  importType(reference: Reference): string | undefined;
  /** Variables are typed by their very values, not by the type of these. */
  strictVars: boolean;
}

/**
 * How a graph must be swapped when it holds this kind (docs/runtime.md): `none`: nothing on disk, generations may
 * overlap · `disk`: on disk, one workerd at a time, may be prewarmed · `exclusive`: never two at once (Durable Objects).
 */
export type StateClass = "none" | "disk" | "exclusive";

/** What is wrong with an entry. */
export interface BindingFault {
  code: string;
  message: string;
  notes?: string[];
  /** Keys below the entry; the caller makes a location of it. */
  path?: (string | number)[];
  /** Wrong only where the service is to run: for `dev`, a check and a deploy, not for reading the config. */
  toRun?: true;
}

export interface BindingKind {
  /** Used in `--json` output and on the command line: "kv", "durable-object". */
  id: string;
  /** For people: "KV namespace". */
  title: string;
  keys: readonly BindingConfigKey[];
  /** Kept as written in `Environment.settings`, below the same path. */
  settings?: readonly BindingSetting[];
  state: StateClass;
  /** Absent for kinds without a resource. */
  resource?: ResourceNaming;
  /** Checks of one entry that a schema cannot say (ids, limits, files). */
  validate?(binding: Binding, environment: Environment): BindingFault[];
  references?(binding: Binding): Reference[];
  /** Files and folders outside the code that it reads at start: `dev` starts anew when they change. Absolute. */
  watch?(binding: Binding, environment: Environment): { files?: string[]; folders?: string[] };
  /** What only one binding of a graph may do; `what` goes on after "Only one service can": "receive from queue …". */
  claims?(binding: Binding): { id: string; what: string } | undefined;
  /** Puts it into a local graph. */
  local(binding: Binding, context: LocalContext): void;
  /** Metadata for Cloudflare's upload API: https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/ */
  upload(binding: Binding, context: UploadContext): Record<string, unknown> | undefined;
  /**
   * What it adds to the metadata beside `bindings` (`tail_consumers`, `assets`…). Lists of several bindings are joined,
   * tables are merged.
   */
  uploadMetadata?(binding: Binding, context: UploadContext): Record<string, unknown>;
  /** True when the value is a secret: kept apart from the config, and never shown. */
  secret?: true;
  /** True for values that code under `nodejs_compat` finds in `process.env`, too. */
  processEnv?: true;
  /** A TypeScript type for `env`, or undefined for attachments. */
  type(binding: Binding, context: TypeContext): string | undefined;
  /** What it points at, in a few words: "auth@staging (Verifier)", "sessions", '"hello"'. Secrets never show a value. */
  describe(binding: Binding): string;
  /** Names of local variables that it reads besides its own; locally, the process's environment may hold them, too. */
  variables?(binding: Binding): string[];
  /** What is missing locally, when the platform's own service cannot be simulated: shown by `bindings` and at the call. */
  notLocal?: string;
  /** The same for a kind where it depends on the entry. Ask `notLocal(binding)` of index.ts, which knows both. */
  notLocalFor?(binding: Binding): string | undefined;
}
