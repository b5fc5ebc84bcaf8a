/**
 * The processes of all graphs. `apply` says what there is to run; requests (`acquire`) and whatever else has to happen in
 * a graph (`run`, `ensure`) start what they need. docs/serve.md, "Processes".
 */
import { TroupeError } from "../errors.ts";
import { createLimit } from "../lib/limit.ts";
import type { GraphRuntime, Lease } from "../runtime/types.ts";
import { Eviction } from "./eviction.ts";
import { GraphProcess } from "./graph-process.ts";
import type { PoolGraph, PoolOptions } from "./pool-types.ts";
import { regroup } from "./regroup.ts";

export type { PoolEvent, PoolGraph, PoolOptions } from "./pool-types.ts";

/** More starts at once than cores only make all of them slower. */
const STARTS_AT_ONCE = 2;

export class Pool {
  readonly #options: PoolOptions;
  readonly #limitStarts = createLimit(STARTS_AT_ONCE);
  readonly #processes = new Set<GraphProcess>();
  readonly #byWorker = new Map<string, GraphProcess>();
  /** Processes whose members are moving into others. */
  readonly #moving = new Set<GraphProcess>();
  /** Keys of graphs that could not take over; not tried again until something changes. */
  readonly #refused = new Set<string>();
  readonly #background = new Set<Promise<void>>();
  #wanted: readonly PoolGraph[] = [];
  readonly #eviction: Eviction;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#eviction = new Eviction(options, () => [...this.#processes].filter((process) => !this.#moving.has(process)));
  }

  /** Says what there is to run from now on. Running graphs that changed are swapped, idle ones stay idle. */
  apply(graphs: readonly PoolGraph[]): void {
    this.#wanted = graphs;
    this.#refused.clear();
    this.#reconcile();
  }

  /**
   * Leave to send one request to a worker, once its graph runs.
   * @throws TroupeError NOT_FOUND for a worker that there is not; START, STORE… when its graph can't start
   */
  async acquire(worker: string): Promise<Lease> {
    for (;;) {
      const lease = await this.#processOf(worker).acquire(worker);
      if (lease) return lease;
    }
  }

  /** The same at once, for the many requests whose graph runs. @returns undefined when `acquire` would wait or throw */
  tryAcquire(worker: string): Lease | undefined {
    return this.#closed ? undefined : this.#byWorker.get(worker)?.tryAcquire(worker);
  }

  /**
   * Does something in a worker's graph that is no request: a batch of a queue, a cron, an alarm. It is started if need
   * be and not stopped meanwhile.
   * @throws as `acquire` does, and what `work` throws
   */
  async run<T>(worker: string, work: (runtime: GraphRuntime) => Promise<T>): Promise<T> {
    for (;;) {
      const done = await this.#processOf(worker).run(worker, work);
      if (done) return done.value;
    }
  }

  /** This graph has to run now. @throws as `acquire` does */
  ensure(worker: string): Promise<void> {
    return this.run(worker, async () => {});
  }

  isRunning(worker: string): boolean {
    return this.#byWorker.get(worker)?.running === true;
  }

  /** Whether its process runs, or is about to. */
  isActive(worker: string): boolean {
    return this.#byWorker.get(worker)?.active === true;
  }

  /** Graphs whose process runs. */
  get running(): number {
    return [...this.#processes].filter((process) => process.running).length;
  }

  /** Bytes that the graphs which run take now, where the system tells. */
  async memory(): Promise<Map<PoolGraph, number>> {
    await this.#eviction.measure();
    return new Map(
      [...this.#processes].flatMap(({ serving, memory }) =>
        serving && memory !== undefined ? [[serving, memory]] : [],
      ),
    );
  }

  /** Tells long-lived connections (WebSockets) to end, before all is closed; requests go on. */
  endConnections(): void {
    for (const process of this.#processes) process.endConnections();
  }

  /** Stops everything; running exchanges get `grace` ms. */
  async close(grace: number): Promise<void> {
    this.#closed = true;
    this.#eviction.close();
    await Promise.all([...this.#processes].map((process) => process.retire("closed", grace)));
    await Promise.all(this.#background);
  }

  #processOf(worker: string): GraphProcess {
    const process = this.#byWorker.get(worker);
    if (!process || this.#closed) throw new TroupeError("NOT_FOUND", `${worker} is not deployed here`);
    return process;
  }

  #reconcile(): void {
    if (this.#closed) return;
    for (const { olds, news } of regroup([...this.#processes], this.#wanted)) {
      // What is moving is looked at again when it has arrived.
      if (olds.some((old) => this.#moving.has(old))) continue;
      const [old] = olds;
      const [next] = news;
      if (old && next && olds.length === 1 && news.length === 1 && !(old.active && next.movesData())) {
        if (old.definition.key === next.key) continue;
        old.update(next);
        this.#point(old);
      } else if (!olds.some((each) => each.active) || !next) {
        this.#replace(olds, news, next ? "replaced" : "deleted");
      } else if (!news.every(({ key }) => this.#refused.has(key))) {
        this.#inBackground(this.#move(olds, news));
      }
    }
  }

  /** New processes take over from old ones, and start at their first request, once the old ones are gone. */
  #replace(olds: readonly GraphProcess[], news: readonly PoolGraph[], why: "replaced" | "deleted"): GraphProcess[] {
    const gone = Promise.all(olds.map((old) => old.retire(why)));
    this.#inBackground(gone);
    for (const old of olds) this.#processes.delete(old);
    if (olds.length > 0) {
      for (const [worker, process] of this.#byWorker) if (olds.includes(process)) this.#byWorker.delete(worker);
    }
    return news.map((graph) => this.#add(graph, gone));
  }

  /** The members of running graphs are to run in other company from now on. What can't start that way stays as it was. */
  async #move(olds: readonly GraphProcess[], news: readonly PoolGraph[]): Promise<void> {
    for (const old of olds) this.#moving.add(old);
    const workers = new Set(olds.filter((old) => old.active).flatMap((old) => old.definition.workers));
    const needed = news.filter((graph) => graph.workers.some((worker) => workers.has(worker)));
    try {
      const overlaps = [...news, ...olds.flatMap((old) => old.serving ?? old.definition)].every(
        ({ state }) => state === "none",
      );
      if (overlaps) {
        const started = needed.map((graph) => this.#make(graph));
        await startAll(started);
        if (this.#closed) return void (await Promise.all(started.map((process) => process.retire("closed", 0))));
        const rest = news.filter((graph) => !needed.includes(graph));
        this.#replace(olds, rest, "replaced");
        for (const process of started) this.#register(process);
      } else {
        for (const graph of needed) await this.#prove(graph);
        if (this.#closed) return;
        const started = this.#replace(olds, news, "replaced").filter((each) => needed.includes(each.definition));
        await Promise.all(started.map((process) => process.start().catch(() => {})));
      }
    } catch (thrown) {
      for (const { key } of news) this.#refused.add(key);
      const { graph, error } = thrown instanceof CannotTakeOver ? thrown : { graph: news[0]!, error: thrown };
      this.#options.onEvent({ type: "failed", graph, error, serving: true });
    } finally {
      for (const old of olds) this.#moving.delete(old);
    }
    this.#reconcile();
  }

  /** A start without data: what fails here has taken nothing down. @throws CannotTakeOver */
  async #prove(graph: PoolGraph): Promise<void> {
    const runtime = this.#options.createRuntime();
    try {
      await this.#limitStarts(async () => {
        const spec = await graph.spec({ data: false });
        return runtime.swap({ ...spec, persistTo: undefined });
      });
    } catch (error) {
      throw new CannotTakeOver(graph, error);
    } finally {
      await runtime.close();
    }
  }

  #make(graph: PoolGraph, after?: Promise<unknown>): GraphProcess {
    const options = {
      ...this.#options,
      limitStarts: this.#limitStarts,
      beforeStart: (process: GraphProcess) => this.#eviction.makeRoom(process),
    };
    return new GraphProcess(graph, options, after);
  }

  #add(graph: PoolGraph, after: Promise<unknown>): GraphProcess {
    const process = this.#make(graph, after);
    this.#register(process);
    return process;
  }

  #register(process: GraphProcess): void {
    this.#processes.add(process);
    for (const worker of process.definition.workers) this.#byWorker.set(worker, process);
  }

  #point(process: GraphProcess): void {
    for (const [worker, owner] of this.#byWorker) if (owner === process) this.#byWorker.delete(worker);
    for (const worker of process.definition.workers) this.#byWorker.set(worker, process);
  }

  #inBackground(work: Promise<unknown>): void {
    const tracked = work.then(
      () => {},
      () => {},
    );
    this.#background.add(tracked);
    void tracked.then(() => this.#background.delete(tracked));
  }
}

/** Which graph it was that did not start. */
class CannotTakeOver extends Error {
  readonly graph: PoolGraph;
  readonly error: unknown;

  constructor(graph: PoolGraph, error: unknown) {
    super();
    this.graph = graph;
    this.error = error;
  }
}

/** All of them, or none. @throws CannotTakeOver */
async function startAll(processes: readonly GraphProcess[]): Promise<void> {
  const results = await Promise.allSettled(processes.map((process) => process.start({ quiet: true })));
  const failed = results.findIndex(({ status }) => status === "rejected");
  if (failed < 0) return;
  await Promise.all(processes.map((process) => process.retire("replaced", 0)));
  throw new CannotTakeOver(processes[failed]!.definition, (results[failed] as PromiseRejectedResult).reason);
}
