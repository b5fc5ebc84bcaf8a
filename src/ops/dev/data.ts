/** The data of a run: where it is kept, and what commands of other processes do with it. */
import path from "node:path";
import { type Diagnostic, TroupeError } from "../../errors.ts";
import { refId, type Workspace } from "../../model.ts";
import type { RuntimeWorker } from "../../runtime/types.ts";
import { type DataCall, dataWorker } from "../data/connect.ts";
import { dataFolder } from "../state.ts";
import { calledBinding, type DataFolder, takeDataFolder } from "./data-folder.ts";
import { stateOf } from "./load.ts";
import { keepsData, type Plan } from "./plan.ts";
import type { DevQueues } from "./queues.ts";
import type { DevOptions } from "./types.ts";

/** The run whose data it is. */
export interface DataHost {
  plan(): Plan;
  workspace(): Workspace | undefined;
  /** Resolves when no change is under way. */
  rested(): Promise<void>;
  /** Reacts to changed files, or starts what is brought in. */
  change(files: readonly string[]): Promise<void>;
  /** The `env` of a running worker. */
  bindings(worker: string): Promise<Record<string, unknown>>;
  warn(diagnostic: Diagnostic): void;
}

/** Holds the data folder, and answers other processes that work on it. */
export class DevData {
  /** Brought in by data commands, for what no running service binds. */
  readonly workers = new Map<string, RuntimeWorker>();
  #options: DevOptions;
  #queues: DevQueues;
  #host: DataHost;
  #folder: DataFolder | undefined;

  constructor(options: DevOptions, queues: DevQueues, host: DataHost) {
    this.#options = options;
    this.#queues = queues;
    this.#host = host;
  }

  /**
   * Takes the data folder, which this run holds from then on.
   * @returns undefined when the graph has no resources, or data stays in memory
   * @throws TroupeError CONFLICT when another process holds it
   */
  async take(plan: Plan): Promise<string | undefined> {
    const { persistTo, cwd } = this.#options;
    if (persistTo === false) return undefined;
    if (this.#folder) return this.#folder.folder;
    if (!keepsData(plan)) return undefined;
    const state = stateOf(plan.workspace, this.#options);
    const folder = dataFolder(state, persistTo && path.resolve(cwd, persistTo));
    try {
      this.#folder = await takeDataFolder(state, folder, (call) => this.#bindingOf(call));
      return folder;
    } catch (error) {
      if (error instanceof TroupeError) throw error;
      const why = (error as Error).message;
      const message = `Data is kept in memory for this run: ${folder} cannot be written (${why})`;
      this.#host.warn({ severity: "warning", code: "not-persistent", message });
      return undefined;
    }
  }

  async release(): Promise<void> {
    await this.#folder?.release();
  }

  /** What a data command of another process works on. What the graph does not bind is brought in for it. */
  async #bindingOf(call: DataCall): Promise<unknown> {
    const { kind, ref, binding: name, resource } = call;
    const host = this.#host;
    if (kind === "queue") {
      await this.#queues.open(this.#folder?.folder);
      return this.#queues.access(resource);
    }
    const id = refId(ref);
    await host.rested();
    // The other process may have read a change of the config that nobody has told us of yet.
    if (!calledBinding(host.plan(), call)) await host.change(host.workspace()?.files ?? []);
    const called = calledBinding(host.plan(), call);
    if (!called) throw new TroupeError("NOT_FOUND", `${id} has no binding "${name}"`);
    const inGraph = host.plan().graph.environments.has(id);
    const worker = dataWorker(called.environment, called.binding);
    if (!inGraph && !this.workers.has(worker.id)) {
      this.workers.set(worker.id, worker);
      await host.change([]);
    }
    const binding = (await host.bindings(inGraph ? id : worker.id))[name];
    if (binding !== undefined) return binding;
    const notes = ["The running dev says what is wrong; what still serves is older than the binding"];
    throw new TroupeError("PRECONDITION", `${id} does not run with the binding "${name}" yet`, { notes });
  }
}
