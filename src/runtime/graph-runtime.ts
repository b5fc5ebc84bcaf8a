/** One graph over all its generations: starts, swaps without losing a request, stops. */
import { mkdtempSync } from "node:fs";
import path from "node:path";
import { TroupeError } from "../errors.ts";
import { swapMode } from "./assemble.ts";
import { Generation } from "./generation.ts";
import { reaper } from "./reaper.ts";
import type { GraphRuntime, GraphRuntimeOptions, GraphSpec, Lease, SwapMode, SwapResult } from "./types.ts";

/** Running exchanges get this long, in ms. `hold` and `prewarm` make new requests wait meanwhile, so theirs is short. */
const DRAIN: Record<SwapMode, number> = { overlap: 30_000, prewarm: 5_000, hold: 5_000 };

/** @param options.onEvent gets logs and exceptions of all generations */
export function createGraphRuntime(options: GraphRuntimeOptions = {}): GraphRuntime {
  return new Runtime(options);
}

class Runtime implements GraphRuntime {
  #options: GraphRuntimeOptions;
  #current: Generation | undefined;
  /** Old generations that still finish their exchanges. */
  #leaving = new Set<Generation>();
  /** Swaps run one after another. */
  #queue: Promise<unknown> = Promise.resolve();
  /** Set while requests have to wait. */
  #gate: { opened: Promise<void>; open(): void } | undefined;
  #closed = false;
  #temporary: string | undefined;

  constructor(options: GraphRuntimeOptions) {
    this.#options = options;
  }

  swap(spec: GraphSpec): Promise<SwapResult> {
    const swapping = this.#queue.then(() => this.#swap(spec));
    this.#queue = swapping.catch(() => {});
    return swapping;
  }

  async acquire(worker: string): Promise<Lease> {
    while (this.#gate) await this.#gate.opened;
    const generation = this.#current;
    const url = generation?.url(worker);
    if (!generation || !url) throw new TroupeError("NOT_FOUND", `${worker} is not running`);
    generation.enter();
    let released = false;
    return {
      url,
      retiring: generation.retiring,
      release() {
        if (released) return;
        released = true;
        generation.leave();
      },
    };
  }

  scheduled(worker: string, options: { cron?: string; time?: Date }): Promise<{ outcome: string; noRetry: boolean }> {
    return this.#use((generation) => generation.scheduled(worker, options));
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

  async inspectorUrl(): Promise<URL | undefined> {
    return this.#current?.inspectorUrl();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue;
    const generations = [...this.#leaving, ...(this.#current ? [this.#current] : [])];
    this.#current = undefined;
    this.#openGate();
    await Promise.all(generations.map((generation) => generation.dispose()));
  }

  async #use<T>(work: (generation: Generation) => Promise<T>): Promise<T> {
    while (this.#gate) await this.#gate.opened;
    const generation = this.#current;
    if (!generation) throw new TroupeError("NOT_FOUND", "Nothing is running");
    generation.enter();
    try {
      return await work(generation);
    } finally {
      generation.leave();
    }
  }

  async #swap(spec: GraphSpec): Promise<SwapResult> {
    if (this.#closed) throw new TroupeError("CONFLICT", "The runtime is closed");
    if (swapMode(spec) !== "overlap") spec = { ...spec, persistTo: spec.persistTo ?? this.#memory() };
    const old = this.#current;
    const start = (what: GraphSpec) => Generation.start(what, this.#options);
    if (!old) {
      this.#current = await start(spec);
      return { mode: this.#current.mode, paused: 0, warnings: this.#current.warnings };
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

  /** Never two at once on the same data: proved able to start without data, then one after the other. */
  async #hold(old: Generation, spec: GraphSpec, start: (spec: GraphSpec) => Promise<Generation>): Promise<SwapResult> {
    const trial = await Generation.start({ ...spec, persistTo: undefined, inspectorPort: undefined });
    await trial.dispose();
    const closedAt = this.#closeGate();
    try {
      await this.#retire(old, "hold");
      try {
        this.#current = await start(spec);
      } catch (error) {
        // It started without its data and not with it: back to what served.
        this.#current = await start(old.spec);
        throw error;
      }
      return { mode: "hold", paused: performance.now() - closedAt, warnings: this.#current.warnings };
    } finally {
      this.#openGate();
    }
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
    await generation.drain(this.#options.drain?.[mode] ?? DRAIN[mode]);
    await generation.dispose();
    this.#leaving.delete(generation);
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
