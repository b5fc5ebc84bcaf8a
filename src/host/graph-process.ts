/** One graph and the process that runs it: started when it is needed, swapped when it changes, stopped when nobody asks. */
import { TroupeError } from "../errors.ts";
import type { GraphRuntime, Lease, RuntimeEvent, SwapResult } from "../runtime/types.ts";
import type { PoolGraph, PoolOptions } from "./pool-types.ts";
import { Quiet } from "./quiet.ts";

/** A graph that could not start is not tried again for every request, in ms. */
const RETRY_AFTER = 2_000;
/** So many crashes within so many ms, and the graph is left alone for a while. */
const CRASHES = { most: 5, within: 60_000, pause: 10_000 };
/** Running exchanges get this long when their process is about to go for good, in ms. */
const GRACE = 5_000;

export interface ProcessOptions extends PoolOptions {
  /** Starts compete for the cores. */
  limitStarts<T>(work: () => Promise<T>): Promise<T>;
  /** Called before a process is started: makes room. */
  beforeStart(process: GraphProcess): Promise<void>;
}

export class GraphProcess {
  /** What is to run. */
  definition: PoolGraph;
  lastUsed = 0;
  /** Bytes that it took when somebody looked. */
  memory: number | undefined;
  #options: ProcessOptions;
  #runtime: GraphRuntime | undefined;
  /** What runs: differs from `definition` while a swap is under way, and after one that failed. */
  #serving: PoolGraph | undefined;
  #starting: Promise<void> | undefined;
  #updating: Promise<void> | undefined;
  /** Starts, swaps and stops run one after another. */
  #queue: Promise<unknown>;
  #inFlight = 0;
  #gone = false;
  /** Set while it waits for the quiet before it is stopped. */
  #leaving: Quiet | undefined;
  #failure: { error: unknown; until: number } | undefined;
  #crashes: number[] = [];
  readonly #left = (): void => {
    this.#inFlight--;
    this.lastUsed = performance.now();
  };

  /** @param after has to be over before the first start */
  constructor(definition: PoolGraph, options: ProcessOptions, after: Promise<unknown> = Promise.resolve()) {
    this.definition = definition;
    this.#options = options;
    this.#queue = after.catch(() => {});
  }

  get running(): boolean {
    return this.#runtime !== undefined;
  }

  /** Whether it runs or is about to. */
  get active(): boolean {
    return this.running || this.#starting !== undefined;
  }

  /** Runs, and nothing goes on in it. */
  get unused(): boolean {
    if (!this.#runtime || this.#inFlight > 0) return false;
    return this.#options.mayStop?.(this.#serving ?? this.definition) !== false;
  }

  /** Whether it will be stopped if nobody asks for it within a moment. */
  get leaving(): boolean {
    return this.#leaving !== undefined;
  }

  /** Ids of the processes that it takes: more than one while a swap is under way. */
  get pids(): readonly number[] {
    return this.#runtime?.pids ?? [];
  }

  /** What runs now. */
  get serving(): PoolGraph | undefined {
    return this.#serving;
  }

  /**
   * Leave for one request; starts the process when it does not run.
   * @returns undefined when the graph is run by another process now: look again
   * @throws TroupeError START, STORE… when it cannot start
   */
  acquire(worker: string): Promise<Lease | undefined> {
    return this.#enter(worker, (runtime, leave) => runtime.acquire(worker, leave));
  }

  /** The same at once. @returns undefined when `acquire` would wait or throw, too */
  tryAcquire(worker: string): Lease | undefined {
    const lease = this.#runtime?.tryAcquire(worker, this.#left);
    if (lease) {
      this.#inFlight++;
      this.lastUsed = performance.now();
    }
    return lease;
  }

  /** Does something with the runtime; the process is not stopped meanwhile. @returns undefined as `acquire` does */
  run<T>(worker: string, work: (runtime: GraphRuntime) => Promise<T>): Promise<{ value: T } | undefined> {
    return this.#enter(worker, async (runtime, leave) => {
      try {
        return { value: await work(runtime) };
      } finally {
        leave();
      }
    });
  }

  async #enter<T>(
    worker: string,
    work: (runtime: GraphRuntime, leave: () => void) => Promise<T>,
  ): Promise<T | undefined> {
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      this.#left();
    };
    this.#inFlight++;
    this.lastUsed = performance.now();
    try {
      const runtime = await this.#ready(worker);
      if (runtime) return await work(runtime, leave);
    } catch (error) {
      leave();
      // Whatever went wrong in a process that is on its way out, its successor may do better.
      if (!this.#gone) throw error;
    }
    leave();
    return undefined;
  }

  async #ready(worker: string): Promise<GraphRuntime | undefined> {
    for (;;) {
      if (this.#gone) return undefined;
      if (this.#runtime) {
        if (this.#serving!.workers.includes(worker)) return this.#runtime;
        // New in this graph: here as soon as the swap under way is done.
        if (!this.#updating) throw this.#failure?.error ?? new TroupeError("NOT_FOUND", `${worker} is not running`);
        await this.#updating;
      } else {
        await this.start();
      }
    }
  }

  /**
   * @param quiet true: a failure is told by throwing alone
   * @throws TroupeError when it cannot start
   */
  start({ quiet = false } = {}): Promise<void> {
    if (this.#runtime) return Promise.resolve();
    this.#starting ??= this.#enqueue(() => this.#start(quiet)).finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(quiet: boolean): Promise<void> {
    if (this.#gone || this.#runtime) return;
    if (this.#failure && performance.now() < this.#failure.until) throw this.#failure.error;
    await this.#options.beforeStart(this);
    const startedAt = performance.now();
    const wanted = this.definition;
    const runtime = this.#options.createRuntime({ onEvent: (event) => this.#onRuntimeEvent(event) });
    try {
      const { warnings } = await this.#options.limitStarts(async () => runtime.swap(await wanted.spec()));
      this.#runtime = runtime;
      this.#serving = wanted;
      this.#failure = undefined;
      this.lastUsed = performance.now();
      this.#options.onEvent({ type: "started", graph: wanted, ms: performance.now() - startedAt, warnings });
    } catch (error) {
      await runtime.close();
      if (!quiet) this.#fail(wanted, error, RETRY_AFTER);
      throw error;
    }
  }

  /** Makes it run another definition: at once when it runs, else at the next start. What can't start leaves the old one serving. */
  update(definition: PoolGraph): void {
    this.definition = definition;
    this.#failure = undefined;
    this.#leaving?.cancel();
    if (!this.active) return;
    const updating = this.#enqueue(() => this.#swap()).finally(() => {
      if (this.#updating === updating) this.#updating = undefined;
    });
    this.#updating = updating;
  }

  async #swap(): Promise<void> {
    const wanted = this.definition;
    if (this.#gone || !this.#runtime || this.#serving?.key === wanted.key) return;
    const startedAt = performance.now();
    let result: SwapResult;
    try {
      result = await this.#runtime.swap(await wanted.spec());
    } catch (error) {
      this.#fail(wanted, error, 0);
      // Neither of the two runs: the next request tries again from nothing.
      if (!this.#runtime.serving) await this.#close("crashing", 0);
      return;
    }
    this.#serving = wanted;
    this.#failure = undefined;
    this.#options.onEvent({ type: "swapped", graph: wanted, ms: performance.now() - startedAt, ...result });
  }

  #fail(graph: PoolGraph, error: unknown, retryAfter: number): void {
    this.#failure = { error, until: performance.now() + retryAfter };
    this.#options.onEvent({ type: "failed", graph, error, serving: this.running });
  }

  /**
   * Stops it unless somebody uses it; the next request starts it again.
   * @param quiet so many ms it has to have been unused; is waited for
   */
  stop(why: "idle" | "evicted" | "memory", quiet = 0): Promise<void> {
    if (this.#leaving) {
      if (quiet === 0) this.#leaving.hurry();
      return this.#queue.then(() => {});
    }
    const leaving = new Quiet(quiet);
    this.#leaving = leaving;
    return this.#enqueue(async () => {
      const kept = await leaving.kept(() => this.lastUsed);
      if (!kept || !this.unused) return;
      if (why === "idle" && ((await this.#runtime?.isWorking()) || !this.unused)) return;
      await this.#close(why, 0);
    }).finally(() => {
      this.#leaving = undefined;
    });
  }

  /** Tells long-lived connections to end: it soon will be stopped. */
  endConnections(): void {
    this.#runtime?.retire();
  }

  /** Stops it for good, with a grace period for running exchanges: others run its graph, or nobody. */
  retire(why: "replaced" | "deleted" | "closed", grace = GRACE): Promise<void> {
    this.#gone = true;
    this.#leaving?.cancel();
    return this.#enqueue(() => this.#close(why, grace));
  }

  async #close(why: string, grace: number): Promise<void> {
    const runtime = this.#runtime;
    if (!runtime) return;
    this.#runtime = undefined;
    const graph = this.#serving!;
    this.#serving = undefined;
    await runtime.close(grace);
    this.#options.onEvent({ type: "stopped", graph, why });
  }

  #onRuntimeEvent(event: RuntimeEvent): void {
    if (event.type === "crashed") this.#crashed(event.message);
    this.#options.onRuntimeEvent(event);
  }

  #crashed(message: string): void {
    const now = performance.now();
    this.#crashes = [...this.#crashes.filter((time) => time > now - CRASHES.within), now];
    const graph = this.#serving ?? this.definition;
    this.#options.onEvent({ type: "crashed", graph, message });
    if (this.#crashes.length <= CRASHES.most) return;
    this.#crashes = [];
    const error = new TroupeError("START", `${graph.workers.join(", ")} keeps crashing its process`, {
      notes: [`It is left alone for ${CRASHES.pause / 1000} s, and started again by the next request after that`],
    });
    // Every request until then would be the next crash.
    this.#leaving?.cancel();
    void this.#enqueue(async () => {
      this.#fail(graph, error, CRASHES.pause);
      await this.#close("crashing", 0);
    });
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => {});
    return done;
  }
}
