/** A graph as Miniflare takes it: every binding kind puts its part in, nothing here knows one kind from another. */

import { readFileSync } from "node:fs";
import path from "node:path";
import { kindOf, stateOf } from "../bindings/index.ts";
import type { LocalContext, MiniflareBindingInput, WorkerOptions } from "../bindings/kind.ts";
import { durableClasses, localClass } from "../bindings/migrations.ts";
import type { QueueService } from "../bindings/queue-service.ts";
import { TroupeError } from "../errors.ts";
import { whyUnreadable } from "../lib/file-error.ts";
import type { Binding } from "../model.ts";
import { BACKGROUND, mentionsWaitUntil } from "./background.ts";
import { codeOptions, tellsUncaught } from "./code.ts";
import type { Lack } from "./lacking.ts";
import { missingWorker } from "./missing-worker.ts";
import { TAIL_WORKER, type TailSink, tailWorker } from "./tail.ts";
import type { GraphSpec, RuntimeWarning, RuntimeWorker, SwapMode } from "./types.ts";

export interface Assembled {
  workers: WorkerOptions[];
  warnings: RuntimeWarning[];
  /** What a swap from or to this graph must be, by what it keeps on disk. */
  mode: SwapMode;
  /** Ids of the workers that count what goes on behind their answers, and whether others have it and can't. */
  background: { counted: string[]; unseen: boolean };
}

export interface AssembleOptions {
  /** Newest compatibility date that the runtime knows. */
  newestDate: string;
  /** Collects logs and exceptions. Absent: nobody listens, and nothing is added. */
  sink?: TailSink;
  /** Somebody will ask what goes on behind answers. */
  background?: boolean;
  /** The Cache API is used from Node. */
  caches?: boolean;
  /** For a debugger: source maps in the code, and `console` left as it is. */
  debug: boolean;
  /** Keeps what is sent to queues; absent: the process does, in its memory. */
  queues?: QueueService;
}

/** @throws TroupeError CONFIG when a file that a binding names cannot be read */
export function assemble(spec: GraphSpec, options: AssembleOptions): Assembled {
  const warnings: RuntimeWarning[] = [];
  const built = new Map<string, WorkerOptions>();
  const helpers = new Map<string, WorkerOptions>();
  const background: Assembled["background"] = { counted: [], unseen: false };
  for (const worker of spec.workers) built.set(worker.id, baseOptions(worker, options, warnings));
  for (const worker of spec.workers) {
    const lacks = addBindings(worker, { built, helpers, warnings, queues: options.queues });
    const own = built.get(worker.id)!;
    // Marks would show in a user's own tail consumer and in a debugger: there, our tail Worker tells everything.
    const prelude = options.sink !== undefined && !options.debug && own.config.tailConsumers!.length === 0;
    const wrapped = prelude && tellsUncaught(worker.bundle);
    const works = options.background === true && mentionsWaitUntil(worker.bundle);
    addCode(worker, own, { prelude, debug: options.debug, background: works && wrapped, lacks });
    if (works && wrapped) {
      background.counted.push(worker.id);
      const socket = { host: "127.0.0.1", port: 0, entrypoint: BACKGROUND };
      own.dev = { ...own.dev, unsafeDirectSockets: [...(own.dev?.unsafeDirectSockets ?? []), socket] };
    } else if (works) background.unseen = true;
    if (!options.sink || wrapped) continue;
    own.config.tailConsumers!.push({ worker: TAIL_WORKER, props: { worker: worker.id, logs: !prelude } });
    helpers.set(TAIL_WORKER, tailWorker(options.sink));
  }
  return { workers: [...built.values(), ...helpers.values()], warnings, mode: swapMode(spec), background };
}

/** `hold` with anything exclusive, `prewarm` with anything on disk, else `overlap`. */
export function swapMode(spec: GraphSpec): SwapMode {
  const states = new Set(spec.workers.map(({ environment }) => stateOf(environment)));
  if (states.has("exclusive")) return "hold";
  return states.has("disk") ? "prewarm" : "overlap";
}

function baseOptions(worker: RuntimeWorker, options: AssembleOptions, warnings: RuntimeWarning[]): WorkerOptions {
  const { environment } = worker;
  let date = environment.compatibilityDate;
  if (date > options.newestDate) {
    // About a date that nobody wrote, config has warned already.
    if (environment.written.compatibility_date) {
      const message = `${environment.service}: compatibility date ${date} is newer than this runtime knows; it runs with ${options.newestDate}`;
      const notes = ["Update troupe to get a newer runtime"];
      warnings.push({ severity: "warning", code: "compatibility-date", message, notes });
    }
    date = options.newestDate;
  }
  return {
    config: {
      name: worker.id,
      compatibilityDate: date,
      compatibilityFlags: environment.compatibilityFlags,
      env: {},
      exports: {},
      triggers: [],
      tailConsumers: [],
    },
    dev: {
      // A debugger is shown those that have it, and none of the runtime's own.
      ...(options.debug && { unsafeInspectorProxy: true }),
      ...(worker.reachable && { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0, proxy: true }] }),
      // The front door sets it, and the code may read it.
      stripCfConnectingIp: false,
      // Each cache is a worker more to start, which is a tenth of the time that a start takes.
      ...(!options.caches && !canUseCaches(worker) && { cacheAPI: false }),
    },
  };
}

/** Code reaches the Cache API under one name only; what it loads by itself is not known. */
function canUseCaches({ bundle, environment }: RuntimeWorker): boolean {
  if (environment.bindings.some(({ kind }) => kind === "worker-loader")) return true;
  return bundle.modules.some(({ type, contents }) => type !== "sourcemap" && Buffer.from(contents).includes("caches"));
}

function addCode(
  worker: RuntimeWorker,
  own: WorkerOptions,
  options: { prelude: boolean; debug: boolean; background: boolean; lacks: readonly Lack[] },
): void {
  const { manifest, legacy, env } = codeOptions(worker.id, worker.bundle, {
    prelude: options.prelude,
    background: options.background,
    lacks: options.lacks,
    ...(options.debug && { inlineMaps: { dir: worker.environment.dir } }),
  });
  if (manifest) own.config.manifest = manifest;
  if (env) own.config.env = { ...env, ...own.config.env };
  if (legacy) own.legacy = { ...own.legacy, ...legacy };
}

interface Building {
  built: Map<string, WorkerOptions>;
  helpers: Map<string, WorkerOptions>;
  warnings: RuntimeWarning[];
  queues: QueueService | undefined;
}

/** @returns what is lacking here */
function addBindings(worker: RuntimeWorker, { built, helpers, warnings, queues }: Building): Lack[] {
  const lacks: Lack[] = [];
  const own = built.get(worker.id)!;
  const env: Record<string, MiniflareBindingInput> = {};
  const secrets = new Map(Object.entries(worker.secrets));
  // Local variables beat `vars`, and every other binding of the same name beats them.
  let about: Binding | undefined;
  const context: LocalContext = {
    environment: worker.environment,
    worker: worker.id,
    exports: worker.bundle.exports,
    version: worker.version,
    queues,
    resolve(reference) {
      const resolved = worker.resolve(reference);
      if (resolved.missing !== undefined && !helpers.has(resolved.worker))
        helpers.set(resolved.worker, missingWorker(resolved.worker, resolved.missing));
      return resolved;
    },
    secret: (name) => secrets.get(name),
    bind(name, binding) {
      const plain = binding.type === "text" || binding.type === "json";
      const secret = plain ? secrets.get(name) : undefined;
      env[name] = secret === undefined ? binding : { type: "text", value: secret };
    },
    declareExport(className, exported, target = worker.id) {
      const config = built.get(target)?.config;
      if (config) config.exports = { ...config.exports, [className]: exported };
    },
    addTrigger: (trigger) => own.config.triggers!.push(trigger),
    addTail({ streaming, ...tail }) {
      if (!streaming) own.config.tailConsumers!.push(tail);
      else
        own.config.experimental = {
          ...own.config.experimental,
          streamingTailConsumers: [...(own.config.experimental?.streamingTailConsumers ?? []), tail],
        };
    },
    configure({ config, dev, legacy }) {
      Object.assign(own.config, config);
      if (dev) own.dev = { ...own.dev, ...dev };
      if (legacy) own.legacy = { ...own.legacy, ...legacy };
    },
    addWorker(helper) {
      if (!helpers.has(helper.config.name)) helpers.set(helper.config.name, helper);
    },
    lack: (className, property, message) => lacks.push({ className, property, message }),
    warn: (diagnostic) => warnings.push({ ...diagnostic, ...(about && { written: about.written }) }),
    readFile: (file) => readNamedFile(worker, file),
  };
  for (const binding of worker.environment.bindings) {
    about = binding;
    kindOf(binding).local(binding, context);
  }
  declareUnbound(worker, context);
  for (const [name, value] of secrets) env[name] ??= { type: "text", value };
  own.config.env = env;
  return lacks;
}

/** Durable Object classes that are declared and bound nowhere: code reaches them as `ctx.exports.NAME`. */
function declareUnbound(worker: RuntimeWorker, context: LocalContext): void {
  for (const className of durableClasses(worker.environment).keys()) {
    if (worker.bundle.exports.includes(className)) {
      context.declareExport(className, localClass(worker.environment, worker.id, className, worker.objects));
    }
  }
}

function readNamedFile(worker: RuntimeWorker, file: string): string {
  const full = path.resolve(worker.environment.dir, file);
  try {
    return readFileSync(full, "utf8");
  } catch (error) {
    throw new TroupeError("CONFIG", `${worker.environment.service}: cannot read ${full}: ${whyUnreadable(error)}`, {
      notes: [`It is named in ${worker.environment.configPath}`],
      cause: error,
    });
  }
}
