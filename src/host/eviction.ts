/** Which processes have to go: those that nobody has used for long, and those whose room others need. */
import { processMemory } from "../lib/process-memory.ts";
import type { GraphProcess } from "./graph-process.ts";

/** What a process takes at least; as long as nobody has looked, it counts for this. In bytes. */
const AT_LEAST = 32 * 1024 * 1024;
/** Before a process makes room, it has been quiet for this long, in ms; not when the limits are passed by twice as much. */
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

/** What is too much. */
interface Surplus {
  processes: number;
  memory: number;
}

/** A process in what has to go, and which limit it is for. */
interface Choice {
  process: GraphProcess;
  why: "evicted" | "memory";
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

  /** Stops those that waited longest, so that one more is not one too many; waits until they are gone only where it must. */
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
    const active = this.#processes().filter((each) => each.active && each !== starting);
    if (active.length === 0) return;
    await this.measure();
    const surplus = this.#surplus(active, starting);
    const { maxProcesses, memoryLimit } = this.#limits;
    if (surplus.processes > maxProcesses || surplus.memory > memoryLimit) {
      await Promise.all(this.#choose(active, surplus).map(({ process, why }) => process.stop(why)));
    } else {
      const staying = active.filter((process) => !process.leaving);
      for (const { process, why } of this.#choose(staying, this.#surplus(staying, starting))) {
        void process.stop(why, QUIET);
      }
    }
  }

  /** How far these, and one more, are over the limits; below 0: within. */
  #surplus(active: readonly GraphProcess[], starting: GraphProcess | undefined): Surplus {
    return {
      processes: active.length + (starting ? 1 : 0) - this.#limits.maxProcesses,
      memory: active.reduce((sum, each) => sum + sizeOf(each), starting ? AT_LEAST : 0) - this.#limits.memoryLimit,
    };
  }

  /** Those that have to go, of those that nobody uses: the longest idle first. */
  #choose(active: readonly GraphProcess[], surplus: Surplus): Choice[] {
    const { processes, memory } = surplus;
    const chosen: Choice[] = [];
    let freed = 0;
    for (const process of [...active].sort((a, b) => a.lastUsed - b.lastUsed)) {
      if (chosen.length >= processes && freed >= memory) break;
      if (!process.unused) continue;
      chosen.push({ process, why: chosen.length < processes ? "evicted" : "memory" });
      freed += sizeOf(process);
    }
    return chosen;
  }
}

function sizeOf({ memory }: GraphProcess): number {
  return memory ?? AT_LEAST;
}
