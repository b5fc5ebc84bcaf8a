/** The processes that Miniflare starts for one generation. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { reaper } from "./reaper.ts";

export interface ChildEvents {
  /** A process was started and has all that it needs. */
  onFed?: (() => void) | undefined;
  /** One has ended. */
  onExit?: (() => void) | undefined;
}

/** Whose a spawned process is: Miniflare does not say, but spawns in our async context. */
const spawning = new AsyncLocalStorage<({ processes: ChildProcess[] } & ChildEvents) | undefined>();
let subscribed = false;

function watchSpawns(): void {
  if (subscribed) return;
  subscribed = true;
  // https://nodejs.org/api/diagnostics_channel.html#child-process
  subscribe("child_process", (message) => {
    const store = spawning.getStore();
    const child = (message as { process: ChildProcess }).process;
    if (!store) return;
    store.processes.push(child);
    child.once("exit", () => store.onExit?.());
    child.once("spawn", () => child.stdin?.once("finish", () => store.onFed?.()));
    // Outside, or its own shell would count as the generation's.
    child.once("spawn", () => spawning.run(undefined, () => reaper().watch(child)));
  });
}

/** Knows which processes are a generation's, and ends them. */
export class Children {
  #processes: ChildProcess[] = [];

  /** Runs what starts processes, now or later: they are these. */
  during<T>(start: () => T, events: ChildEvents = {}): T {
    watchSpawns();
    return spawning.run({ processes: this.#processes, ...events }, start);
  }

  /** Of those that live: one, or none just after a crash. */
  get pids(): number[] {
    return this.#alive().flatMap(({ pid }) => pid ?? []);
  }

  /** Resolves when those that live now have ended. @returns whether there were any */
  async exited(): Promise<boolean> {
    const alive = this.#alive();
    await Promise.all(alive.map((child) => new Promise((resolve) => child.once("exit", resolve))));
    return alive.length > 0;
  }

  /** Ends them at once. */
  kill(): void {
    for (const child of this.#alive()) child.kill("SIGKILL");
  }

  /**
   * Ends them for good. Miniflare leaves message ports behind that hold the async context they were made in, and so the list:
   * without what is in it, the generation can be collected.
   */
  dispose(): void {
    this.kill();
    this.#processes.length = 0;
  }

  #alive(): ChildProcess[] {
    return this.#processes.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  }
}
