/** The interface between those who want a graph to run (`ops/dev`, later `host/`) and the process that runs it. */
import type { ResolvedReference, Reference } from "../bindings/kind.ts";
import type { Diagnostic } from "../errors.ts";
import type { Bundle, Environment } from "../model.ts";

/** One worker of a graph, ready to run. */
export interface RuntimeWorker {
  /** `service@environment`, unique in the graph. */
  id: string;
  environment: Environment;
  bundle: Bundle;
  /** Values of secrets and local variables (`.dev.vars`). They beat `vars`; any other binding of the same name beats them. */
  secrets: Record<string, string>;
  /** Resolves a reference of one of its bindings against the graph. */
  resolve(reference: Reference): ResolvedReference;
}

/** Everything one workerd process runs. */
export interface GraphSpec {
  workers: RuntimeWorker[];
  /** Folder for data on disk; absent: in memory (a temporary folder, removed at the end). */
  persistTo?: string;
  /** Port of the V8 inspector proxy. Absent: no inspector. */
  inspectorPort?: number;
  /** Milliseconds that a generation may take to start before it is given up (an endless loop at start-up). Default 15000. */
  startTimeout?: number;
}

/** `overlap`, `prewarm`, `hold`: docs/runtime.md. */
export type SwapMode = "overlap" | "prewarm" | "hold";

/** What a graph says while it runs. */
export type RuntimeEvent =
  | { type: "log"; worker: string; level: "debug" | "info" | "log" | "warn" | "error"; message: string; time: number }
  | {
      type: "exception";
      worker: string;
      name: string;
      message: string;
      /** Source-mapped where a map was found. */
      stack?: string;
      /** First frame in the user's own source. */
      location?: import("../errors.ts").Location;
      /** `cf-ray` of the request it happened in, when the front door set one. */
      ray?: string;
      time: number;
    }
  | { type: "crashed"; message: string };

export interface SwapResult {
  mode: SwapMode;
  /** Milliseconds during which requests had to wait. */
  paused: number;
  warnings: Diagnostic[];
}

/** One graph, over all its generations. */
export interface GraphRuntime {
  /**
   * Starts the graph, or replaces the running generation without losing a request. Calls queue up; the last spec wins.
   * When the new generation can't start, the old one keeps serving.
   * @throws TroupeError START with the worker's own error (source-mapped), naming the worker when it is known
   */
  swap(spec: GraphSpec): Promise<SwapResult>;
  /** Where requests for a worker go now: waits while a swap holds the gate. Call `release` when the exchange is over. */
  acquire(worker: string, entrypoint?: string): Promise<{ url: URL; release(): void }>;
  /** Runs a worker's `scheduled` handler. */
  scheduled(worker: string, options: { cron?: string; time?: Date }): Promise<{ outcome: string; noRetry: boolean }>;
  /** Stops the process and removes what is temporary. Safe to call twice. */
  close(): Promise<void>;
}
