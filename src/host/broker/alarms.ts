/**
 * What Durable Objects and Workflows of a graph wait for, read from its data. The runtime keeps the alarms of a class in
 * one SQLite file, and fires those that are overdue when it starts; Workflows go on at every start (src/runtime): so all
 * there is to do is to start it in time.
 */
import { readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { WorkflowInstances } from "../../bindings/workflow-instances.ts";

/** When a graph has something to do. */
export class Wakeups {
  readonly #instances = new WorkflowInstances();

  /**
   * The next time at which an alarm rings or a Workflow goes on in a folder of data, in ms since the epoch; in the past when
   * one is under way, or was when its process ended.
   * @returns undefined when there is nothing to wait for, or nothing can be read
   */
  next(home: string): number | undefined {
    const alarms = entries(path.join(home, "do")).flatMap(
      (name) => firstAlarm(path.join(home, "do", name, "metadata.sqlite")) ?? [],
    );
    const times = [...alarms, ...this.#instances.read(home).map(({ due }) => due)];
    return times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function firstAlarm(file: string): number | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true });
    // Nanoseconds, which are too many for a number.
    const row = database.prepare("SELECT min(scheduled_time) / 1000000 AS at FROM _cf_ALARM").get();
    return (row?.at as number | null | undefined) ?? undefined;
  } catch {
    // No file, or no alarm ever: the table comes with the first one.
    return undefined;
  } finally {
    database?.close();
  }
}

export interface Alarms {
  /** A graph stopped, with its next alarm at that time (ms since the epoch). */
  set(graph: string, at: number): void;
  /** It runs, or is no more. */
  clear(graph: string): void;
  stop(): void;
}

/** A graph whose alarm is overdue has just stopped with it: no sooner than this, in ms. */
const SOONEST = 500;
const LONGEST = 2 ** 31 - 1;

/** @param wake called when a graph has to run */
export function createAlarms(wake: (graph: string) => void): Alarms {
  const timers = new Map<string, NodeJS.Timeout>();
  const clear = (graph: string): void => {
    clearTimeout(timers.get(graph));
    timers.delete(graph);
  };
  const set = (graph: string, at: number): void => {
    clear(graph);
    const wait = Math.max(SOONEST, at - Date.now());
    const ring = (): void => {
      timers.delete(graph);
      if (wait > LONGEST) set(graph, at);
      else wake(graph);
    };
    timers.set(graph, setTimeout(ring, Math.min(wait, LONGEST)).unref());
  };
  return {
    set,
    clear,
    stop() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
