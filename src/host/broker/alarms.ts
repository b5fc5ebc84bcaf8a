/**
 * What Durable Objects and Workflows of a graph wait for, read from its data. The runtime keeps the alarms of a class in
 * one SQLite file, and fires those that are overdue when it starts; Workflows go on at every start (src/runtime): so all
 * there is to do is to start it in time.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { objectClasses } from "../../bindings/durable-object.ts";
import { workflowIds } from "../../bindings/workflow.ts";
import { WorkflowInstances } from "../../bindings/workflow-instances.ts";
import type { Environment } from "../../model.ts";

/** When a graph has something to do. */
export class Wakeups {
  readonly #instances = new WorkflowInstances();

  /**
   * The next time at which an alarm rings or a Workflow goes on in a folder of data, in ms since the epoch; in the past when
   * one is under way, or was when its process ended.
   * @param members who run on it: what belongs to classes and Workflows of others, or of former times, counts for nothing
   * @returns undefined when there is nothing to wait for, or nothing can be read
   */
  next(
    home: string,
    members: readonly { id: string; objects?: string; environment: Environment }[],
  ): number | undefined {
    const classes = new Set(members.flatMap(({ environment }) => objectClasses(environment)));
    const objects = members.flatMap(({ id, objects = id }) => [...classes].map((name) => `${objects}-${name}`));
    const alarms = objects.flatMap((name) => firstAlarm(path.join(home, "do", name, "metadata.sqlite")) ?? []);
    const workflows = new Set(members.flatMap(({ environment }) => workflowIds(environment)));
    const instances = workflows.size === 0 ? [] : this.#instances.read(home);
    const times = [...alarms, ...instances.flatMap(({ workflow, due }) => (workflows.has(workflow) ? [due] : []))];
    return times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
  }
}

function firstAlarm(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true });
    // Nanoseconds, which are too many for a number.
    const row = database.prepare("SELECT min(scheduled_time) / 1000000 AS at FROM _cf_ALARM").get();
    return (row?.at as number | null | undefined) ?? undefined;
  } catch {
    // No alarm ever: the table comes with the first one.
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
