/**
 * Instances of Workflows on disk. Miniflare's engine keeps each in a SQLite file of its own, and what it waits for in
 * timers of its process: after another start nothing goes on by itself. So we read which instances are not finished, and
 * when they have something to do (miniflare 5.20261117, workers/workflows/binding.worker.js).
 */
import { readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { deserialize } from "node:v8";

export interface WorkflowInstance {
  /** Local id of the Workflow. */
  workflow: string;
  id: string;
  /** When it goes on, in ms since the epoch: when its sleep is over; 0 when it was in the middle of something. */
  due: number;
}

const FOLDER = "workflows";
const PREFIX = "miniflare-workflows-";
/** Of `ENGINE_STATUS`: queued, running, about to pause, waiting. The others are paused or finished. */
const UNFINISHED = new Set([0, 1, 6, 7]);
/** Of `priority_queue.entryType`. */
const TIMEOUT = 2;

/** Reads instances; remembers which were finished as long as their file stays what it is. */
export class WorkflowInstances {
  /** File → its times of change. */
  readonly #finished = new Map<string, string>();

  /** The instances in a folder of data that are not finished. */
  read(home: string): WorkflowInstance[] {
    return entries(path.join(home, FOLDER))
      .filter((name) => name.startsWith(PREFIX))
      .flatMap((name) => {
        const folder = path.join(home, FOLDER, name);
        return entries(folder)
          .filter((file) => /^[0-9a-f]{64}\.sqlite$/.test(file))
          .flatMap((file) => this.#instance(path.join(folder, file), name.slice(PREFIX.length)) ?? []);
      });
  }

  #instance(file: string, workflow: string): WorkflowInstance | undefined {
    const stamp = `${changed(file)} ${changed(`${file}-wal`)}`;
    if (this.#finished.get(file) === stamp) return undefined;
    this.#finished.delete(file);
    let database: DatabaseSync | undefined;
    try {
      // Loaded when there is something to read: every start would pay for it.
      const sqlite = createRequire(import.meta.url)("node:sqlite") as typeof import("node:sqlite");
      database = new sqlite.DatabaseSync(file, { readOnly: true });
      const value = (key: string): unknown => {
        const row = database!.prepare("SELECT value FROM _cf_KV WHERE key = ?").get(key);
        return row && deserialize(row.value as Uint8Array);
      };
      const status = value("ENGINE_STATUS") ?? 0;
      const about = value("INSTANCE_METADATA") as { instance: { id: string } } | undefined;
      if (!about || !UNFINISHED.has(status as number)) {
        this.#finished.set(file, stamp);
        return undefined;
      }
      return { workflow, id: about.instance.id, due: dueAt(database) };
    } catch {
      // Being made, or of an engine that keeps things otherwise.
      return undefined;
    } finally {
      database?.close();
    }
  }
}

/** The queue is a log: entries are put in (action 1) and taken out (0). */
function dueAt(database: DatabaseSync): number {
  const rows = database
    .prepare("SELECT target_timestamp AS at, action, entryType AS type, hash FROM priority_queue ORDER BY id")
    .all() as unknown as { at: number; action: number; type: number; hash: string }[];
  const waiting = new Map<string, number>();
  for (const { at, action, type, hash } of rows) {
    const key = `${type} ${hash}`;
    // The timeout of a step that is under way; those of `waitForEvent` are without the number of the attempt.
    const underWay = type === TIMEOUT && /-\d+-\d+$/.test(hash);
    if (action === 0) waiting.delete(key);
    else if (!waiting.has(key)) waiting.set(key, underWay ? 0 : at);
  }
  return waiting.size === 0 ? 0 : Math.min(...waiting.values());
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function changed(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
