/** What is deployed → what runs: follows the store, and tells what happens. */
import path from "node:path";
import { type Diagnostic, TroupeError } from "../../errors.ts";
import { QUEUES_FILE } from "../../host/broker/index.ts";
import { Homes, userOf } from "../../host/homes.ts";
import { Pool, type PoolEvent, type PoolGraph } from "../../host/pool.ts";
import { sweepSeeds } from "../../host/seeds.ts";
import { refId } from "../../model.ts";
import { createGraphRuntime, preloadRuntime } from "../../runtime/index.ts";
import type { RuntimeEvent, RuntimeWarning } from "../../runtime/types.ts";
import type { EnvironmentRecord, Store } from "../../store/index.ts";
import type { DataCall } from "../data/connect.ts";
import { type Deployed, deployedSpec, deployedWorkspace } from "../deployed/index.ts";
import { Background } from "./background.ts";
import { planServe, type ServedGraph, type ServePlan } from "./plan.ts";
import type { ServeEvent, VersionRef } from "./types.ts";

/** Code that was replaced stays so long after its last answer if it works behind answers unseen, in ms. */
const LINGER = 10_000;

export interface SessionOptions {
  store: Store;
  /** Folder of the data of all deployed environments. */
  dataDir: string;
  /** Folder for files that bindings read. */
  filesDir: string;
  idleTimeout: number;
  maxProcesses: number;
  /** Bytes. */
  memoryLimit: number;
  now?(): Date;
  emit(event: ServeEvent): void;
  /** Every event of the pool, before it is emitted. */
  observe(event: PoolEvent): void;
  /** The address of an environment; undefined for a private one. */
  urlOf(deployed: Deployed): string | undefined;
}

/** Keeps what runs in step with what is deployed. */
export class ServeSession {
  readonly pool: Pool;
  plan!: ServePlan;
  #options: SessionOptions;
  #homes!: Homes;
  #background: Background;
  /** As they were when the store was last read. */
  #environments: readonly EnvironmentRecord[] = [];
  /** Whose data it is: theirs. */
  #users = new Set<string>();
  /** Versions in the graphs that run, for events about them. */
  #served = new WeakMap<PoolGraph, ServedGraph>();

  private constructor(options: SessionOptions) {
    this.#options = options;
    this.#background = new Background({
      // Not among the homes: queues belong to no process.
      queuesFile: path.join(path.dirname(options.dataDir), QUEUES_FILE),
      pool: () => this.pool,
      homesOf: ({ members }) => this.#homes.of(members).map((home) => path.join(options.dataDir, home)),
      emit: options.emit,
      ...(options.now && { now: options.now }),
    });
    this.pool = new Pool({
      createRuntime: (given) => createGraphRuntime({ ...given, queues: this.#background.queues, linger: LINGER }),
      idleTimeout: options.idleTimeout,
      maxProcesses: options.maxProcesses,
      memoryLimit: options.memoryLimit,
      mayStop: (graph) => {
        const served = this.#served.get(graph);
        return served === undefined || this.#background.mayStop(served);
      },
      onEvent: (event) => this.#onPoolEvent(event),
      onRuntimeEvent: (event) => this.#onRuntimeEvent(event),
    });
  }

  /** @throws TroupeError STORE */
  static async open(options: SessionOptions): Promise<ServeSession> {
    const session = new ServeSession(options);
    session.#readEnvironments();
    session.#homes = await Homes.open(options.dataDir, (user) => session.#users.has(user));
    session.plan = session.#read();
    session.#apply();
    await session.#free();
    // Read anew: a clone may have laid one down meanwhile.
    const seeds = new Set(options.store.environments().flatMap(({ settings }) => settings.seed ?? []));
    await sweepSeeds(options.dataDir, (seed) => seeds.has(seed));
    // Starting the first graph need not wait for it.
    preloadRuntime();
    return session;
  }

  /** What a data command of another process works on. @throws TroupeError NOT_FOUND; START when its graph can't start */
  async bindingOf({ kind, ref, binding, resource }: DataCall): Promise<unknown> {
    if (kind === "queue") return this.#background.access(resource);
    const deployed = this.plan.workspace.deployed.get(refId(ref));
    if (!deployed) throw new TroupeError("NOT_FOUND", `${refId(ref)} is not deployed`);
    const bindings = await this.pool.run(deployed.id, (runtime) => runtime.bindings(deployed.id));
    return bindings[binding];
  }

  /** Messages that wait, by queue. */
  backlogs(): Map<string, number> {
    return this.#background.backlogs();
  }

  /** Bytes that each running graph takes, by the environments in it. */
  async memory(): Promise<Map<string, number>> {
    const sizes = [...(await this.pool.memory())];
    return new Map(
      sizes.map(([graph, bytes]) => [
        this.#served
          .get(graph)!
          .members.map(({ ref }) => refId(ref))
          .join(" "),
        bytes,
      ]),
    );
  }

  /** Reads the store again. @throws TroupeError STORE */
  refresh(): void {
    const before = this.plan.deployed;
    this.#readEnvironments();
    this.plan = this.#read();
    const changed = [...this.plan.deployed.values()].filter((each) => {
      const old = before.get(each.id);
      return !old || old.record.activeVersionId !== each.record.activeVersionId || old.label !== each.label;
    });
    const removed = [...before.values()].filter(({ id }) => !this.plan.deployed.has(id));
    if (changed.length > 0 || removed.length > 0) {
      this.#options.emit({
        reason: "deployed",
        environments: changed.map((each) => ({ ...versionRef(each), url: this.#options.urlOf(each) })),
        removed: removed.map(({ ref }) => ref),
      });
    }
    this.#apply();
    if (removed.length > 0) void this.#free();
  }

  /** @param grace how long what runs may go on from now, in ms */
  async close(grace: () => number): Promise<void> {
    await this.#background.close(grace());
    await this.pool.close(grace());
  }

  #read(): ServePlan {
    return planServe(deployedWorkspace(this.#options.store, { all: true }), (user) => this.#homes.of([user]));
  }

  #readEnvironments(): void {
    this.#environments = this.#options.store.environments();
    this.#users = new Set(
      this.#environments.map((record) =>
        userOf({ id: refId({ service: record.service, environment: record.settings.edition }), record }),
      ),
    );
  }

  #apply(): void {
    this.pool.apply(this.plan.graphs.map((graph) => this.#poolGraph(graph)));
    const editions = this.#environments.map(({ settings }) => settings.edition);
    this.#background.apply(this.plan, new Set(editions));
  }

  #poolGraph(graph: ServedGraph): PoolGraph {
    const { store, filesDir } = this.#options;
    const { workspace, reachable } = this.plan;
    const pooled: PoolGraph = {
      workers: graph.workers,
      key: graph.key,
      state: graph.state,
      movesData: () => this.#homes.of(graph.members).length > 1,
      spec: async ({ data } = { data: true }) => {
        const persistTo = data && graph.state !== "none" ? await this.#homes.claim(graph.members) : undefined;
        return deployedSpec(store, workspace, graph.workers, {
          filesDir,
          reachable,
          ...(persistTo !== undefined && { persistTo }),
        });
      },
    };
    this.#served.set(pooled, graph);
    return pooled;
  }

  /** Frees the data of environments that are gone, where nobody runs on it. */
  async #free(): Promise<void> {
    const running = this.plan.graphs.filter(({ workers }) => this.pool.isRunning(workers[0]!));
    const inUse = new Set(running.flatMap(({ members }) => this.#homes.of(members)));
    await this.#homes
      .free((home) => inUse.has(home))
      .catch((error: Error) => {
        const message = `Data of deleted environments could not be removed: ${error.message}`;
        this.#options.emit({ reason: "warning", diagnostic: { severity: "warning", code: "data-not-freed", message } });
      });
  }

  #onPoolEvent(event: PoolEvent): void {
    const { emit } = this.#options;
    this.#options.observe(event);
    const served = this.#served.get(event.graph);
    const environments = (served?.members ?? []).map(versionRef);
    const warn = (warnings: readonly RuntimeWarning[]): void => {
      // Config files are not at hand where things are deployed.
      for (const { written: _, ...diagnostic } of warnings) emit({ reason: "warning", diagnostic });
    };
    switch (event.type) {
      case "started":
        warn(event.warnings);
        if (served) this.#background.started(served);
        emit({ reason: "start", environments, ms: Math.round(event.ms) });
        return;
      case "swapped": {
        warn(event.warnings);
        const { mode, ms, paused } = event;
        emit({ reason: "reload", environments, mode, ms: Math.round(ms), paused: Math.round(paused) });
        return;
      }
      case "failed":
        emit({ reason: "start-error", environments, ...failure(event.error), stale: event.serving });
        return;
      case "stopped":
        emit({ reason: "stop", environments, why: event.why });
        if (served && event.why !== "closed") this.#background.stopped(served);
        if (event.why !== "closed") void this.#free();
        return;
      case "crashed":
        emit({ reason: "crashed", environments, message: event.message });
        return;
    }
  }

  #onRuntimeEvent(event: RuntimeEvent): void {
    if (event.type === "crashed" || (event.type === "exception" && event.again)) return;
    const ref = this.plan.deployed.get(event.worker)?.ref;
    if (!ref) return;
    if (event.type === "log") {
      const { level, message, time } = event;
      this.#options.emit({ reason: "log", ...ref, level, message, time: new Date(time).toISOString() });
    } else {
      const { name, message, stack, location } = event;
      this.#options.emit({ reason: "exception", ...ref, name, message, stack, location });
    }
  }
}

function versionRef({ ref, record }: Deployed): VersionRef {
  return { ...ref, version: record.activeVersion ?? 0 };
}

function failure(error: unknown): { message: string; diagnostics: Diagnostic[] } {
  if (!(error instanceof TroupeError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { message, diagnostics: [] };
  }
  const { code, message, location, notes, diagnostics } = error;
  const own: Diagnostic = { severity: "error", code: code.toLowerCase(), message, location, notes };
  return { message, diagnostics: diagnostics.length > 0 ? diagnostics : [own] };
}
