/**
 * Alarms of Durable Objects in graphs that do not run, and of Workflows that sleep, which are Durable Objects with alarms
 * underneath. The runtime keeps the alarms of a class in one SQLite file, and fires those that are overdue when it starts:
 * so all there is to do is to start it in time.
 */
import { readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Folders of a home in which objects of the user's may have alarms. */
const WITH_ALARMS = ["do", "workflows"];

/**
 * When the next alarm in a folder of data is due, in ms since the epoch. Nobody may run on the folder.
 * @returns undefined when there is none, or nothing there can be read
 */
export function nextAlarm(home: string): number | undefined {
  let next: number | undefined;
  for (const kind of WITH_ALARMS) {
    for (const name of entries(path.join(home, kind))) {
      const at = firstOf(path.join(home, kind, name, "metadata.sqlite"));
      if (at !== undefined && (next === undefined || at < next)) next = at;
    }
  }
  return next;
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function firstOf(file: string): number | undefined {
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
