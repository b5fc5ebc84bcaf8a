/** One generation of a graph: one Miniflare, one workerd, from start to end. */
import type { Miniflare, MiniflareOptions } from "miniflare";
import type { WorkerOptions } from "../bindings/kind.ts";
import type { QueueService } from "../bindings/queue-service.ts";
import { type WorkflowInstance, WorkflowInstances } from "../bindings/workflow-instances.ts";
import { TroupeError } from "../errors.ts";
import { portFreed } from "../lib/port.ts";
import { withTimeout } from "../lib/with-timeout.ts";
import { type Assembled, assemble } from "./assemble.ts";
import { BACKGROUND, Background } from "./background.ts";
import { Children } from "./children.ts";
import { DirectSockets } from "./direct-sockets.ts";
import { EventReader } from "./event-reader.ts";
import { Exchanges } from "./exchanges.ts";
import { InspectorConnections } from "./inspector.ts";
import { doorsOf, type WorkerDoor } from "./lease.ts";
import { LoadError, Loader } from "./loader.ts";
import { HIDDEN } from "./loader-shell.ts";
import { construct, keepCompiled, loadMiniflare, newestCompatibilityDate } from "./miniflare.ts";
import { readMarked } from "./prelude.ts";
import { deliver, type QueueFetcher } from "./queue-delivery.ts";
import { resumeWorkflows } from "./resume-workflows.ts";
import { startError, startTimeout } from "./start-errors.ts";
import type { GraphSpec, QueueBatch, QueueResult, RuntimeEvent, RuntimeWarning, SwapMode } from "./types.ts";

const START_TIMEOUT = 15_000;
const LOOPBACK = "127.0.0.1";

export interface GenerationOptions {
  onEvent?(event: RuntimeEvent): void;
  /** Somebody will ask what goes on behind answers. */
  linger?: number;
  /** Somebody will call `caches`. */
  caches?: boolean;
  /** A process was started and has all that it needs: until it is up, this thread has nothing to do. */
  onWait?(): void;
  queues?: QueueService;
  /** Aborted: a start under way is given up, and rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Ids of the workers whose code shall be loaded, as far as it can be: `load` is for them. */
  loaded?: Iterable<string>;
}

/** Started once, ended once. Its code may be replaced meanwhile, if it can be loaded. */
export class Generation {
  readonly mode: SwapMode;
  readonly warnings: RuntimeWarning[];
  /** What goes on behind answers. */
  readonly background: Background;
  #spec: GraphSpec;
  #events: EventReader;
  #options: GenerationOptions;
  #miniflare: Miniflare;
  #children: Children;
  #origins: Map<string, string>;
  #doors: Map<string, WorkerDoor>;
  #loader: Loader;
  #exchanges = new Exchanges();
  /** Of code that was replaced and still runs. */
  #leaving = new Set<Exchanges>();
  #disposed: Promise<void> | undefined;

  private constructor(parts: {
    spec: GraphSpec;
    mode: SwapMode;
    warnings: RuntimeWarning[];
    miniflare: Miniflare;
    children: Children;
    origins: Map<string, string>;
    events: EventReader;
    options: GenerationOptions;
    loader: Loader;
    background: Background;
  }) {
    this.#spec = parts.spec;
    this.#events = parts.events;
    this.#options = parts.options;
    this.#loader = parts.loader;
    this.mode = parts.mode;
    this.warnings = parts.warnings;
    this.background = parts.background;
    this.#miniflare = parts.miniflare;
    this.#children = parts.children;
    this.#origins = parts.origins;
    this.#doors = doorsOf(parts.spec, parts.origins);
  }

  /**
   * @throws TroupeError START when it can't start, CONFIG when a file that a binding names cannot be read; LoadError when
   * it can't start with code loaded
   */
  static async start(spec: GraphSpec, options: GenerationOptions = {}): Promise<Generation> {
    const { Miniflare, NoOpLog, Response } = loadMiniflare();
    const output: string[] = [];
    const events = new EventReader(spec, options.onEvent);
    const assembled = assembleFor(spec, events, options);
    const loader = new Loader(spec, assembled, options.loaded ?? [], Response);
    const sockets = new DirectSockets();
    const workers = sockets.of(assembled.workers);
    let started = false;
    const config: MiniflareOptions = {
      host: LOOPBACK,
      port: 0,
      cf: false,
      enableDevRegistry: false,
      logRequests: false,
      unsafeTriggerHandlers: true,
      telemetry: { enabled: false },
      log: new NoOpLog(),
      // Must return nothing: whatever it returns crashes the host.
      handleStructuredLogs: ({ message, level, timestamp }) => {
        if (!started && !readMarked(message)) output.push(message);
        events.log(message, level, timestamp);
      },
      unsafeHandleRuntimeRestart: () => {
        options.onEvent?.({ type: "crashed", message: "The runtime crashed and was started again" });
        if (spec.persistTo !== undefined) resume(instances.read(spec.persistTo));
      },
      ...(spec.persistTo !== undefined && { resourcePersistencePath: spec.persistTo }),
      ...(spec.inspectorPort !== undefined && { inspectorPort: spec.inspectorPort }),
      workers: options.queues ? workers.map(withoutQueues) : workers,
    };
    const instances = new WorkflowInstances();
    // Nobody waits for it, and an instance that can't go on says so itself.
    const resume = (unfinished: readonly WorkflowInstance[]): void =>
      void resumeWorkflows(miniflare, assembled.workers, unfinished).catch(() => {});
    // Read before anybody runs on the data.
    const unfinished = spec.persistTo === undefined ? [] : instances.read(spec.persistTo);
    const children = new Children();
    const inspector = new InspectorConnections();
    const make = () =>
      construct(() =>
        children.during(() => new Miniflare(config), { onFed: options.onWait, onExit: () => sockets.remove() }),
      );
    const miniflare = spec.inspectorPort === undefined ? make() : inspector.during(make);
    try {
      const { startTimeout: limit = START_TIMEOUT } = spec;
      const ready = miniflare.ready.then(() => inspector.settled());
      await withTimeout(ready, { limit, signal: options.signal }, () => startTimeout(spec, limit));
      const reachable = spec.workers.filter((worker) => worker.reachable);
      const origins = await Promise.all(
        reachable.map(async ({ id }) => [id, await sockets.origin(id, miniflare)] as const),
      );
      const { counted, unseen } = assembled.background;
      const counting = await Promise.all(counted.map((id) => miniflare.unsafeGetDirectURL(id, BACKGROUND)));
      await loader.start(miniflare);
      started = true;
      keepCompiled();
      resume(unfinished);
      return new Generation({
        spec,
        options,
        events,
        loader,
        background: new Background(counting, unseen),
        mode: assembled.mode,
        warnings: assembled.warnings,
        miniflare,
        children,
        origins: new Map(origins),
      });
    } catch (error) {
      await inspector.settledOrLate();
      children.kill();
      // Rethrows the start error, which is known.
      await miniflare.dispose().catch(() => {});
      if (error instanceof TroupeError || error instanceof LoadError || options.signal?.aborted) throw error;
      throw startError(spec, output, error);
    }
  }

  /** The socket of a worker that has one. */
  door(worker: string): WorkerDoor | undefined {
    return this.#doors.get(worker);
  }

  get spec(): GraphSpec {
    return this.#spec;
  }

  /** Of the processes that it takes: one, or none just after a crash. */
  get pids(): number[] {
    return this.#children.pids;
  }

  /** Those that run on the newest code. */
  get exchanges(): Exchanges {
    return this.#exchanges;
  }

  /**
   * What it takes to go on with this graph instead.
   * @returns undefined when it takes another generation; else the workers whose code is another one, and, when their code
   * can be loaded, `load`, which throws a LoadError when the runtime refuses it: what served goes on then
   */
  changes(spec: GraphSpec): { changed: string[]; load?(deadline: number): Promise<void> } | undefined {
    const assembled = assembleFor(spec, this.#events, this.#options);
    const changed = this.#loader.changed(this.#spec, spec, assembled);
    if (!changed || changed.length === 0) return undefined;
    if (!this.#loader.canLoad(changed, spec, assembled)) return { changed };
    return { changed, load: (deadline) => this.#load(changed, spec, assembled, deadline) };
  }

  async #load(changed: readonly string[], spec: GraphSpec, assembled: Assembled, deadline: number): Promise<void> {
    const loaded = await this.#loader.load(changed, spec, assembled).catch(async (error) => {
      if (error.timedOut) await this.#restart();
      throw error;
    });
    const release = await loaded.use();
    this.#spec = spec;
    this.#doors = doorsOf(spec, this.#origins);
    this.#events.follow(spec);
    const old = this.#exchanges;
    this.#exchanges = new Exchanges();
    this.#leaving.add(old);
    old.retire();
    // Not when the last exchange is over, but when the time is up: `waitUntil` is invisible from here.
    setTimeout(() => {
      this.#leaving.delete(old);
      old.end();
      if (!this.#disposed) void release();
    }, deadline).unref();
  }

  /** Ends a process that hangs. Resolves when Miniflare has started it again, with the code that served. */
  async #restart(): Promise<void> {
    const exited = this.#children.exited();
    this.#children.kill();
    await exited;
    // One that can't be started again fails whoever asks it.
    await this.#miniflare.ready.catch(() => {});
  }

  /** Tells long-lived connections to end. */
  retire(): void {
    for (const exchanges of [this.#exchanges, ...this.#leaving]) exchanges.retire();
  }

  /** Tells long-lived connections to end, and waits for running exchanges, at most `deadline` ms. */
  async drain(deadline: number): Promise<void> {
    await Promise.all([this.#exchanges, ...this.#leaving].map((exchanges) => exchanges.drain(deadline)));
  }

  /** The same, and waits for what goes on behind their answers, too: at most `deadline` ms for both. */
  async finish(deadline: number): Promise<void> {
    const until = performance.now() + deadline;
    await this.drain(deadline);
    await this.background.over(until - performance.now());
  }

  /** Runs a worker's `scheduled` handler. */
  async scheduled(
    worker: string,
    options: { cron?: string; time?: Date },
  ): Promise<{ outcome: string; noRetry: boolean }> {
    // Its types are those of code inside a Worker, where `scheduled` is no method of a fetcher.
    const fetcher = (await this.#miniflare.getWorker(worker)) as unknown as {
      scheduled(options: { cron: string; scheduledTime: Date }): Promise<{ outcome: string; noRetry: boolean }>;
    };
    return fetcher.scheduled({ cron: options.cron ?? "", scheduledTime: options.time ?? new Date() });
  }

  /**
   * Runs a worker's `queue` handler.
   * @throws TroupeError UNREACHABLE when the process was stopped before the handler was done, or has just died
   */
  async queue(worker: string, batch: QueueBatch): Promise<QueueResult> {
    const fetcher = (await this.#miniflare.getWorker(worker)) as unknown as QueueFetcher;
    try {
      return await deliver(fetcher, batch);
    } catch (error) {
      // Our doing, not the handler's fault.
      if (this.#disposed) throw new TroupeError("UNREACHABLE", "its process was stopped", { cause: error });
      throw error;
    }
  }

  /** Runs a worker's `email` handler, as Miniflare's own trigger does it. */
  async email(
    worker: string,
    message: { from: string; to: string; raw: Uint8Array },
  ): Promise<{ status: number; text: string }> {
    const query = new URLSearchParams({ from: message.from, to: message.to });
    const response = await this.#miniflare.dispatchFetch(`http://localhost/cdn-cgi/local/email?${query}`, {
      method: "POST",
      body: message.raw,
      headers: { "MF-Route-Override": worker },
    });
    return { status: response.status, text: await response.text() };
  }

  async bindings(worker: string): Promise<Record<string, unknown>> {
    const all = await this.#miniflare.getBindings<Record<string, unknown>>(worker);
    return Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith(HIDDEN)));
  }

  caches(): Promise<unknown> {
    return this.#miniflare.getCaches();
  }

  inspectorUrl(): Promise<URL | undefined> {
    return this.#spec.inspectorPort === undefined ? Promise.resolve(undefined) : this.#miniflare.getInspectorURL();
  }

  /**
   * Ends the process at once. Drain first.
   * @returns when it has ended, and its data and ports are free for another one: `dispose` tidies up after it meanwhile
   */
  async end(): Promise<void> {
    const exited = this.#children.exited();
    const disposed = this.dispose();
    // None just after a crash: Miniflare may be starting the next one at this moment.
    if (!(await exited)) await disposed;
    // The inspector is Miniflare's, in this process. A debugger may hold up its end, but not its port.
    const { inspectorPort } = this.#spec;
    if (inspectorPort !== undefined) await portFreed(inspectorPort, LOOPBACK, disposed);
  }

  /** Ends the process at once, and removes all that was made for it. Drain first. */
  dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      for (const exchanges of [this.#exchanges, ...this.#leaving]) exchanges.end();
      await this.#miniflare.dispose().catch(() => {});
      this.#children.dispose();
    })();
    return this.#disposed;
  }
}

function assembleFor(
  spec: GraphSpec,
  events: EventReader,
  { caches, queues, linger = 0 }: GenerationOptions,
): Assembled {
  return assemble(spec, {
    newestDate: newestCompatibilityDate(),
    debug: spec.inspectorPort !== undefined,
    caches,
    background: linger > 0,
    ...(events.listened && { sink: (report) => events.report(report) }),
    queues,
  });
}

/** Whoever keeps the messages delivers them, too: Miniflare's own broker has nothing to do. */
function withoutQueues(worker: WorkerOptions): WorkerOptions {
  const triggers = worker.config.triggers?.filter(({ type }) => type !== "queue");
  return { ...worker, config: { ...worker.config, triggers } };
}
