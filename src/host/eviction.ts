/** Which processes have to go: those that nobody has used for long, and those whose room others need. */
import { processMemory } from "../lib/process-memory.ts";
import type { GraphProcess } from "./graph-process.ts";

/** What a process takes at least; as long as nobody has looked, it counts for this. In bytes. */
const AT_LEAST = 32 * 1024 * 1024;
/** Work behind an answer (`waitUntil`) is invisible from here: before a process makes room, it has been quiet for this long, in ms. */
const QUIET = 1_000;
/** How often memory is looked at, in ms. */
const INTERVAL = 1_000;

export interface Limits {
  /** Milliseconds without a request after which a process is stopped. */
  idleTimeout: number;
  /** Processes at a time. */
  maxProcesses: number;
  /** Bytes that all of them may take together. */
  memoryLimit: number;
}

/** Never stops a process with a request, a WebSocket or work of its own, whatever the limits say. */
export class Eviction {
  readonly #limits: Limits;
  readonly #processes: () => readonly GraphProcess[];
  readonly #timers: NodeJS.Timeout[];

  /** @param processes those that may be stopped when nobody uses them */
  constructor(limits: Limits, processes: () => readonly GraphProcess[]) {
    this.#limits = limits;
    this.#processes = processes;
    const idleInterval = Math.min(30_000, Math.max(100, limits.idleTimeout / 4));
    this.#timers = [
      setInterval(() => this.#stopIdle(), idleInterval),
      setInterval(() => void this.#stopSurplus(), INTERVAL),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Stops those that waited longest, so that one more is not one too many. Does not wait until they are gone. */
  makeRoom(starting: GraphProcess): Promise<void> {
    return this.#stopSurplus(starting);
  }

  /** What those that run take now. */
  async measure(): Promise<void> {
    const running = this.#processes().filter((process) => process.running);
    const sizes = await processMemory(running.flatMap(({ pids }) => pids));
    for (const process of running) {
      const known = process.pids.flatMap((pid) => sizes.get(pid) ?? []);
      process.memory = known.length === 0 ? undefined : known.reduce((sum, size) => sum + size, 0);
    }
  }

  #stopIdle(): void {
    const before = performance.now() - this.#limits.idleTimeout;
    for (const process of this.#processes()) {
      if (process.lastUsed <= before && process.unused) void process.stop("idle");
    }
  }

  async #stopSurplus(starting?: GraphProcess): Promise<void> {
    const active = (): GraphProcess[] => this.#processes().filter((each) => each.active && !each.leaving);
    if (active().length === 0) return;
    await this.measure();
    const counted = active().filter((process) => process !== starting);
    let tooMany = counted.length + (starting ? 1 : 0) - this.#limits.maxProcesses;
    let tooMuch = counted.reduce(sum, starting ? AT_LEAST : 0) - this.#limits.memoryLimit;
    for (const process of counted.sort((a, b) => a.lastUsed - b.lastUsed)) {
      if (tooMany <= 0 && tooMuch <= 0) return;
      if (!process.unused) continue;
      void process.stop(tooMany > 0 ? "evicted" : "memory", QUIET);
      tooMany--;
      tooMuch -= sizeOf(process);
    }
  }
}

function sizeOf({ memory }: GraphProcess): number {
  return memory ?? AT_LEAST;
}

function sum(total: number, process: GraphProcess): number {
  return total + sizeOf(process);
}
