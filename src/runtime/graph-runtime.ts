/** One graph over all its generations: starts, swaps without losing a request, stops. */
import { mkdtempSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TroupeError } from "../errors.ts";
import { swapMode } from "./assemble.ts";
import { LONGEST_BACKGROUND } from "./background.ts";
import { Generation } from "./generation.ts";
import { ExchangeLease } from "./lease.ts";
import { LoadError } from "./loader.ts";
import { reaper } from "./reaper.ts";
import type {
  GraphRuntime,
  GraphRuntimeOptions,
  GraphSpec,
  Lease,
  QueueBatch,
  QueueResult,
  SwapMode,
  SwapResult,
} from "./types.ts";

/** Running exchanges get this long, in ms. `hold` and `prewarm` make new requests wait meanwhile, so theirs is short. */
const DRAIN: Record<SwapMode, number> = { load: 30_000, overlap: 30_000, prewarm: 5_000, hold: 5_000 };

/**
 * So often code is loaded into one process before it makes room for another: what was loaded before is collected by V8 at
 * its leisure, and under a steady load later and later.
 */
const LOADS = 50;

/** @param options.onEvent gets logs and exceptions of all generations */
export function createGraphRuntime(options: GraphRuntimeOptions = {}): GraphRuntime {
  return new Runtime(options);
}

/**
 * So many old generations at a time stay for the work behind their last answers: a deploy every second is to cost no
 * more memory than that.
 */
const LINGERING = 2;

class Runtime implements GraphRuntime {
  #options: GraphRuntimeOptions;
  #current: Generation | undefined;
  /** Old generations that still finish their exchanges. */
  #leaving = new Set<Generation>();
  /** Of these, those that have no exchange any more, and end when this is aborted. */
  readonly #lingering = new Set<AbortController>();
  /** Swaps run one after another. */
  #queue: Promise<unknown> = Promise.resolve();
  /** Set while requests have to wait. */
  #gate: { opened: Promise<void>; open(): void } | undefined;
  readonly #stop = new AbortController();
  /** How often code was loaded into a process. */
  readonly #loads = new WeakMap<Generation, number>();
  /** Services whose code was changed while they ran. */
  #edited = new Set<string>();
  /** Of these, what would not be loaded and yet started: not tried again. */
  #unloadable = new Set<string>();
  /** Its newest code would not be loaded just now. */
  #suspect: string | undefined;
  #temporary: string | undefined;

  constructor(options: GraphRuntimeOptions) {
    this.#options = options;
  }

  swap(spec: GraphSpec): Promise<SwapResult> {
    const swapping = this.#queue.then(() => this.#swap(spec));
    this.#queue = swapping.catch(() => {});
    return swapping;
  }

  async acquire(worker: string, onRelease?: () => void): Promise<Lease> {
    while (this.#gate) await this.#gate.opened;
    const lease = this.tryAcquire(worker, onRelease);
    if (!lease) throw new TroupeError("NOT_FOUND", `${worker} is not running`);
    return lease;
  }

  tryAcquire(worker: string, onRelease?: () => void): Lease | undefined {
    if (this.#gate) return undefined;
    const door = this.#current?.door(worker);
    return door && new ExchangeLease(door, this.#current!.exchanges, onRelease);
  }

  scheduled(worker: string, options: { cron?: string; time?: Date }): Promise<{ outcome: string; noRetry: boolean }> {
    return this.#use((generation) => generation.scheduled(worker, options));
  }

  queue(worker: string, batch: QueueBatch): Promise<QueueResult> {
    return this.#use((generation) => generation.queue(worker, batch));
  }

  email(
    worker: string,
    message: { from: string; to: string; raw: Uint8Array },
  ): Promise<{ status: number; text: string }> {
    return this.#use((generation) => generation.email(worker, message));
  }

  bindings(worker: string): Promise<Record<string, unknown>> {
    return this.#use((generation) => generation.bindings(worker));
  }

  caches(): Promise<unknown> {
    return this.#use((generation) => generation.caches());
  }

  async isWorking(): Promise<boolean> {
    const counts = await Promise.all(this.#generations().map(({ background }) => background.count()));
    return counts.some((count) => count > 0);
  }

  get serving(): boolean {
    return this.#current !== undefined;
  }

  get pids(): number[] {
    return this.#generations().flatMap((generation) => generation.pids);
  }

  async inspectorUrl(): Promise<URL | undefined> {
    return this.#current?.inspectorUrl();
  }

  retire(): void {
    for (const generation of this.#generations()) generation.retire();
  }

  async close(grace = 0): Promise<void> {
    // A start under way is not waited for: it may never end.
    this.#stop.abort();
    for (const end of this.#lingering) end.abort();
    await this.#queue;
    const generations = this.#generations();
    this.#current = undefined;
    this.#openGate();
    await Promise.all(
      generations.map(async (generation) => {
        if (grace > 0) await generation.finish(grace);
        await generation.dispose();
      }),
    );
  }

  /** All that run. */
  #generations(): Generation[] {
    return [...this.#leaving, ...(this.#current ? [this.#current] : [])];
  }

  async #use<T>(work: (generation: Generation) => Promise<T>): Promise<T> {
    while (this.#gate) await this.#gate.opened;
    const generation = this.#current;
    if (!generation) throw new TroupeError("NOT_FOUND", "Nothing is running");
    const exchange = generation.exchanges.enter();
    try {
      return await work(generation);
    } finally {
      exchange.leave();
    }
  }

  async #swap(spec: GraphSpec): Promise<SwapResult> {
    this.#stop.signal.throwIfAborted();
    if (swapMode(spec) !== "overlap") spec = { ...spec, persistTo: spec.persistTo ?? this.#memory() };
    const old = this.#current;
    const start = (what: GraphSpec) => this.#start(what);
    if (!old) {
      this.#current = await start(spec);
      return { mode: this.#current.mode, paused: 0, warnings: this.#current.warnings };
    }
    if (this.#options.load && !spec.restart && (await this.#load(old, spec))) {
      return { mode: "load", paused: 0, warnings: old.warnings };
    }
    const mode = this.#modeFor(old, spec);
    if (mode === "overlap") {
      const next = await start(spec);
      this.#current = next;
      void this.#retire(old, mode);
      return { mode, paused: 0, warnings: next.warnings };
    }
    if (mode === "prewarm") {
      const next = await start(spec);
      const closedAt = this.#closeGate();
      await this.#retire(old, mode);
      this.#current = next;
      this.#openGate();
      return { mode, paused: performance.now() - closedAt, warnings: next.warnings };
    }
    return this.#hold(old, spec, start);
  }

  /** Replaces code in the running process, if that is all there is to do. @returns whether it is done */
  async #load(generation: Generation, spec: GraphSpec): Promise<boolean> {
    const change = generation.changes(spec);
    if (!change) return false;
    for (const id of change.changed) this.#edited.add(id);
    const loads = (this.#loads.get(generation) ?? 0) + 1;
    if (!change.load || loads > LOADS) return false;
    this.#loads.set(generation, loads);
    try {
      await change.load(this.#options.drain?.load ?? DRAIN.load);
      return true;
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
      // The normal path says what is wrong with it, or shows that loading was.
      this.#suspect = error.worker;
      return false;
    }
  }

  /**
   * Who edits a service once will do so again: from then on its code is loaded, in the generation that this edit makes and
   * in those after it. All others run as they would without any of this.
   */
  async #start(spec: GraphSpec): Promise<Generation> {
    let suspect = this.#suspect;
    this.#suspect = undefined;
    const loaded = (): string[] => [...this.#edited].filter((id) => id !== suspect && !this.#unloadable.has(id));
    const { signal } = this.#stop;
    const generation = await Generation.start(spec, { ...this.#options, signal, loaded: loaded() }).catch((error) => {
      if (!(error instanceof LoadError)) throw error;
      suspect = error.worker;
      return Generation.start(spec, { ...this.#options, signal });
    });
    // It starts when it isn't loaded.
    if (suspect !== undefined) this.#unloadable.add(suspect);
    return generation;
  }

  /** Never two at once on the same data: proved able to start without data, then one after the other. */
  async #hold(old: Generation, spec: GraphSpec, start: (spec: GraphSpec) => Promise<Generation>): Promise<SwapResult> {
    if (!spec.proved) await this.#try(spec);
    const closedAt = this.#closeGate();
    try {
      await this.#retire(old, "hold");
      try {
        this.#current = await start(spec);
      } catch (error) {
        // It has started before, and does not now with its data: back to what served.
        this.#current = undefined;
        this.#current = await start(old.spec);
        throw error;
      }
      return { mode: "hold", paused: performance.now() - closedAt, warnings: this.#current.warnings };
    } finally {
      this.#openGate();
    }
  }

  /** A start without data. @throws as Generation.start */
  async #try(spec: GraphSpec): Promise<void> {
    const { signal } = this.#stop;
    const trial = await Generation.start({ ...spec, persistTo: undefined, inspectorPort: undefined }, { signal });
    await trial.dispose();
  }

  /** The stricter one of what goes and what comes. One inspector port has room for one generation, too. */
  #modeFor(old: Generation, spec: GraphSpec): SwapMode {
    if (spec.inspectorPort !== undefined && spec.inspectorPort === old.spec.inspectorPort) return "hold";
    const modes = [old.mode, swapMode(spec)];
    // Generations in memory share nothing, but what a Durable Object holds would be split in two.
    if (modes.includes("hold")) return "hold";
    return modes.includes("prewarm") && spec.persistTo !== undefined ? "prewarm" : "overlap";
  }

  /** What is kept "in memory" lasts for a run, over all generations: a temporary folder, gone with the process. */
  #memory(): string {
    this.#temporary ??= mkdtempSync(path.join(reaper().folder, "data-"));
    return this.#temporary;
  }

  async #retire(generation: Generation, mode: SwapMode): Promise<void> {
    this.#leaving.add(generation);
    const deadline = this.#options.drain?.[mode] ?? DRAIN[mode];
    // In the other modes requests are waiting.
    if (mode !== "overlap") await generation.finish(deadline);
    else {
      await generation.drain(deadline);
      await this.#linger(generation);
    }
    await generation.end();
    void generation.dispose().then(() => this.#leaving.delete(generation));
  }

  /** Leaves a process alone with what still runs behind its answers. */
  async #linger(generation: Generation): Promise<void> {
    const { linger = 0 } = this.#options;
    const { background, exchanges } = generation;
    if (linger === 0 || exchanges.lastLeft === 0 || this.#stop.signal.aborted) return;
    const end = new AbortController();
    this.#lingering.add(end);
    if (this.#lingering.size > LINGERING) [...this.#lingering][0]!.abort();
    const since = exchanges.lastLeft - performance.now();
    await Promise.all([
      background.over(since + LONGEST_BACKGROUND, end.signal),
      background.unseen && sleep(since + linger, undefined, { signal: end.signal, ref: false }).catch(() => {}),
    ]);
    this.#lingering.delete(end);
  }

  #closeGate(): number {
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#gate = { opened, open };
    return performance.now();
  }

  #openGate(): void {
    const gate = this.#gate;
    this.#gate = undefined;
    gate?.open();
  }
}
