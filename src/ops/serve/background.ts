/**
 * What happens in deployed environments without a request: messages of queues, crons, alarms. Whatever has to run is
 * started by the pool, and stopped again when it is idle.
 */
import { setImmediate } from "node:timers/promises";
import { consumersOf } from "../../bindings/queue-consumer.ts";
import type { QueueService } from "../../bindings/queue-service.ts";
import {
  type Alarms,
  type Broker,
  type Consumer,
  type Crons,
  type CronTrigger,
  createAlarms,
  createBroker,
  createCrons,
  Wakeups,
} from "../../host/broker/index.ts";
import type { Pool } from "../../host/pool.ts";
import type { EnvironmentRef } from "../../model.ts";
import type { ServedGraph, ServePlan } from "./plan.ts";
import type { ServeEvent } from "./types.ts";

/** A graph that could not be started for an alarm is tried again after this, in ms. */
const RETRY = 60_000;
/** It is not worth stopping a graph that has something to do by then, in ms. */
const SOON = 1_000;
/** A graph is stopped after this all the same, in ms: what it seems to do may have come to nothing. */
const LONGEST_WORK = 60 * 60 * 1000;

export interface BackgroundOptions {
  /** SQLite file of the messages. */
  queuesFile: string;
  pool(): Pool;
  /** Folders with the data of a graph. */
  homesOf(graph: ServedGraph): string[];
  emit(event: ServeEvent): void;
  now?(): Date;
}

/** What happens without a request: crons, queues, alarms and Workflows, which start their graph when it sleeps. */
export class Background {
  readonly #options: BackgroundOptions;
  readonly #broker: Broker;
  readonly #crons: Crons;
  readonly #alarms: Alarms;
  readonly #wakeups = new Wakeups();
  #plan: ServePlan | undefined;
  #graphs = new Map<string, ServedGraph>();
  /** Consumers too many, already told. */
  readonly #told = new Set<string>();
  /** By graph: since when it would have been stopped if it had nothing to do. */
  readonly #busySince = new Map<string, number>();
  #closed = false;

  /** @throws TroupeError STORE */
  constructor(options: BackgroundOptions) {
    this.#options = options;
    const { emit, now } = options;
    this.#broker = createBroker({
      file: options.queuesFile,
      deliver: ({ worker }, batch) => options.pool().run(worker, (runtime) => runtime.queue(worker, batch)),
      onBatch: ({ worker, ms, ...batch }) =>
        this.#tell(worker, (ref) => emit({ reason: "queue", ...ref, ...batch, ms: Math.round(ms) })),
      onStuck: ({ queue, worker }, error) =>
        this.#warn("queue-stuck", `Messages of queue "${queue}" wait: ${worker} can't receive them: ${error.message}`),
    });
    this.#crons = createCrons({
      fire: (trigger, time) => void this.#fire(trigger, time),
      onInvalid: ({ worker, cron }, why) => this.#warn("cron", `${worker}: "${cron}" never fires: ${why}`),
      ...(now && { now: () => now().getTime() }),
    });
    this.#alarms = createAlarms((graph) => void this.#wake(graph));
  }

  /** What queue bindings lead to. */
  readonly queues: QueueService = (queue, request) => this.#broker.handle(queue, request);

  /** A queue, for those who send to it or look into it from outside. @param queue its local id */
  access(queue: string): { broker: Broker; queue: string } {
    return { broker: this.#broker, queue };
  }

  /** Messages that wait, by queue. */
  backlogs(): Map<string, number> {
    return new Map(this.#broker.queues().map((queue) => [queue, this.#broker.metrics(queue).backlogCount]));
  }

  /**
   * This is deployed from now on.
   * @param editions of all environments in the store: queues of others are gone with them
   */
  apply(plan: ServePlan, editions: ReadonlySet<string>): void {
    this.#plan = plan;
    this.#broker.consume(this.#consumers(plan));
    for (const queue of this.#broker.queues()) {
      const at = queue.lastIndexOf("@");
      if (at >= 0 && !editions.has(queue.slice(at + 1))) this.#broker.purge(queue);
    }
    this.#crons.set(
      [...plan.deployed.values()].flatMap(({ id, environment }) =>
        environment.crons.map((cron) => ({ worker: id, cron })),
      ),
    );
    const before = this.#graphs;
    this.#graphs = new Map(plan.graphs.map((graph) => [idOf(graph), graph]));
    for (const id of before.keys()) if (!this.#graphs.has(id)) this.#alarms.clear(id);
    void this.#lookAt([...this.#graphs.values()].filter((graph) => !before.has(idOf(graph))));
  }

  /** Its process runs: the runtime fires alarms itself. */
  started(graph: ServedGraph): void {
    this.#alarms.clear(idOf(graph));
  }

  /** Whether nothing goes on in a graph that nobody asks for anything. Work of its own is left alone for an hour. */
  mayStop(graph: ServedGraph): boolean {
    if (graph.state !== "exclusive") return true;
    const id = idOf(graph);
    const next = this.#next(graph);
    if (next === undefined || next > Date.now() + SOON) {
      this.#busySince.delete(id);
      return true;
    }
    const since = this.#busySince.get(id) ?? Date.now();
    this.#busySince.set(id, since);
    return Date.now() - since > LONGEST_WORK;
  }

  stopped(graph: ServedGraph): void {
    this.#busySince.delete(idOf(graph));
    void this.#lookAt([graph]);
  }

  /** Starts nothing more, and waits at most `grace` ms for batches under way. */
  async close(grace: number): Promise<void> {
    this.#closed = true;
    this.#crons.stop();
    this.#alarms.stop();
    await this.#broker.close(grace);
  }

  /** One for each queue. What is shared between environments goes to the first of them. */
  #consumers(plan: ServePlan): Consumer[] {
    const consumers = new Map<string, Consumer>();
    for (const { id, environment } of plan.deployed.values()) {
      for (const settings of consumersOf(environment)) {
        const { queue } = settings;
        const first = consumers.get(queue);
        if (!first) consumers.set(queue, { ...settings, worker: id });
        else if (!this.#told.has(`${queue} ${id}`)) {
          this.#told.add(`${queue} ${id}`);
          this.#warn("queue-consumers", `Queue "${queue}" goes to ${first.worker} alone: ${id} receives from it, too`);
        }
      }
    }
    return [...consumers.values()];
  }

  async #fire({ worker, cron }: CronTrigger, time: Date): Promise<void> {
    const { outcome } = await this.#options
      .pool()
      .run(worker, (runtime) => runtime.scheduled(worker, { cron, time }))
      .catch((error: Error) => ({ outcome: error.message }));
    this.#tell(worker, (ref) => this.#options.emit({ reason: "scheduled", ...ref, cron, outcome }));
  }

  /** Sets the alarms of graphs that do not run, some at a time: there may be many. */
  async #lookAt(graphs: readonly ServedGraph[]): Promise<void> {
    for (const graph of graphs) {
      if (graph.state !== "exclusive") continue;
      await setImmediate();
      if (this.#closed || !this.#graphs.has(idOf(graph)) || this.#options.pool().isActive(graph.workers[0]!)) continue;
      const next = this.#next(graph);
      if (next !== undefined) this.#alarms.set(idOf(graph), next);
    }
  }

  /** When it has something to do by itself. */
  #next(graph: ServedGraph): number | undefined {
    const times = this.#options.homesOf(graph).flatMap((home) => this.#wakeups.next(home, graph.members) ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  async #wake(id: string): Promise<void> {
    const graph = this.#graphs.get(id);
    if (!graph || this.#closed) return;
    try {
      await this.#options.pool().ensure(graph.workers[0]!);
    } catch {
      // The pool has said why.
      if (!this.#closed && this.#graphs.has(id)) this.#alarms.set(id, Date.now() + RETRY);
    }
  }

  #tell(worker: string, emit: (ref: EnvironmentRef) => void): void {
    const ref = this.#plan?.deployed.get(worker)?.ref;
    if (ref) emit(ref);
  }

  #warn(code: string, message: string): void {
    this.#options.emit({ reason: "warning", diagnostic: { severity: "warning", code, message } });
  }
}

/** The same for a graph of the same members, whatever version they are at. */
function idOf(graph: ServedGraph): string {
  return graph.workers.join(" ");
}
