/** The interface between those who want a graph to run (`ops/dev`, later `host/`) and the process that runs it. */
import type { Reference, ResolvedReference } from "../bindings/kind.ts";
import type { QueueService } from "../bindings/queue-service.ts";
import type { Diagnostic, Location } from "../errors.ts";
import type { Bundle, Environment, SwapMode, Written } from "../model.ts";
import type { Holder } from "./exchanges.ts";

/** One worker of a graph, ready to run. */
export interface RuntimeWorker {
  /** `service@environment`, unique in the graph. */
  id: string;
  environment: Environment;
  /** What the ids and the data of its Durable Objects go by. Default: its id. */
  objects?: string;
  bundle: Bundle;
  /** Values of secrets and local variables (`.dev.vars`). They beat `vars`; any other binding of the same name beats them. */
  secrets: Record<string, string>;
  /** Whether requests from outside go to it: it gets a socket of its own. */
  reachable: boolean;
  /** The version that runs; absent in `dev`. */
  version?: { id: string; tag: string; timestamp: string };
  /** Resolves a reference of one of its bindings against the graph. */
  resolve(reference: Reference): ResolvedReference;
}

/** Everything one workerd process runs. */
export interface GraphSpec {
  workers: RuntimeWorker[];
  /** Folder for data on disk; absent: in memory (a temporary folder, removed at the end). */
  persistTo?: string;
  /** It has been started on this runtime before: it takes over without another trial. */
  proved?: boolean;
  /** A new process is wanted, whatever changed: what code and config do not show is another one (a file that is bound). */
  restart?: boolean;
  /** Port of the V8 inspector. Absent: no inspector. */
  inspectorPort?: number;
  /**
   * Milliseconds that a generation may take to start before it is given up (an endless loop at start-up). Default 15000.
   * Code that is loaded into the running one has at most 5000 of them before another is started instead.
   */
  startTimeout?: number;
}

/** What a graph says while it runs. */
export type RuntimeEvent =
  | { type: "log"; worker: string; level: LogLevel; message: string; time: number }
  | {
      type: "exception";
      worker: string;
      name: string;
      message: string;
      /** Source-mapped where a map was found. */
      stack?: string;
      /** First frame in the user's own source. */
      location?: Location;
      /** `cf-ray` of the request it happened in, when the front door set one. */
      ray?: string;
      /** Told before, when its request was not known yet: news only for those who look for the ray. */
      again?: true;
      time: number;
    }
  | { type: "crashed"; message: string };

export type LogLevel = "debug" | "info" | "log" | "warn" | "error";

export type { SwapMode };

/** What is wrong and does no harm yet. */
export interface RuntimeWarning extends Diagnostic {
  /** The entry of the config that it is about: whoever knows config files finds the line. */
  written?: Written;
}

export interface SwapResult {
  mode: SwapMode;
  /** Milliseconds during which requests had to wait. */
  paused: number;
  warnings: RuntimeWarning[];
}

/** Leave to send one request to a worker of the generation that serves now. */
export interface Lease {
  /** Of its socket: `http://127.0.0.1:PORT`, or that of a Unix socket (lib/unix-origin.ts). */
  readonly origin: string;
  /** Aborted when the code is about to go: long-lived connections should end. */
  readonly retiring: AbortSignal;
  /**
   * Told when the time for what still runs is up. No function: with one made for every request, the garbage of a third of
   * all requests outlived its youth, and collecting it took as long as the requests themselves.
   */
  holder: Holder | undefined;
  /** The worker's version in that generation; absent in `dev`. */
  readonly version: RuntimeWorker["version"];
  /** To be called when the exchange is over. Safe to call twice. */
  release(): void;
}

/** Messages of a queue for a worker's `queue` handler. */
export interface QueueBatch {
  queue: string;
  messages: QueueMessage[];
  metrics: QueueMetrics;
}

export interface QueueMessage {
  id: string;
  /** Milliseconds since the epoch, when it was sent. */
  timestamp: number;
  /** This delivery counts. */
  attempts: number;
  contentType: "text" | "bytes" | "json" | "v8";
  /** As the runtime's queue binding encodes it. */
  body: Uint8Array;
}

/** What waits in a queue. */
export interface QueueMetrics {
  backlogCount: number;
  backlogBytes: number;
  /** Milliseconds since the epoch; 0 for an empty queue. */
  oldestMessageTimestamp: number;
}

/** What a `queue` handler made of a batch. What it says of one message counts more than what it says of all. */
export interface QueueResult {
  /** "ok", or how it went wrong: "exception", "exceededCpu"… */
  outcome: string;
  ackAll: boolean;
  retryBatch: { retry: boolean; delaySeconds?: number };
  explicitAcks: string[];
  retryMessages: { msgId: string; delaySeconds?: number }[];
}

/** One graph, over all its generations. */
export interface GraphRuntime {
  /**
   * Starts the graph, or replaces the running generation without losing a request. Calls run one after another.
   * When the new generation can't start, the old one keeps serving.
   * @throws TroupeError START with the worker's own error (source-mapped), naming the worker when it is known
   */
  swap(spec: GraphSpec): Promise<SwapResult>;
  /**
   * Where requests for a reachable worker go now; waits while a swap holds the gate.
   * @throws TroupeError NOT_FOUND when nothing runs or the worker has no socket
   */
  acquire(worker: string, onRelease?: () => void): Promise<Lease>;
  /**
   * The same at once, where nothing has to be waited for: most requests pay for no promise.
   * @param onRelease called when the lease is released
   * @returns undefined when `acquire` would wait or throw
   */
  tryAcquire(worker: string, onRelease?: () => void): Lease | undefined;
  /** Runs a worker's `scheduled` handler. */
  scheduled(worker: string, options: { cron?: string; time?: Date }): Promise<{ outcome: string; noRetry: boolean }>;
  /**
   * Runs a worker's `queue` handler. Rejects when the process dies meanwhile.
   * @throws TroupeError UNREACHABLE when it was stopped before the handler was done, or had just died
   */
  queue(worker: string, batch: QueueBatch): Promise<QueueResult>;
  /**
   * Runs a worker's `email` handler with a raw message (RFC 5322).
   * @returns 200 when it was accepted, 400 with the reason when it was rejected
   */
  email(
    worker: string,
    message: { from: string; to: string; raw: Uint8Array },
  ): Promise<{ status: number; text: string }>;
  /** The `env` of a worker, usable from Node (calls cross into the process). */
  bindings(worker: string): Promise<Record<string, unknown>>;
  /** The Cache API of the graph, usable from Node. */
  caches(): Promise<unknown>;
  /** Whether work goes on behind answers (`waitUntil`), as far as it can be seen; with `linger` only. */
  isWorking(): Promise<boolean>;
  /** False before the first start, and in the rare case that neither the new nor the old generation could be started. */
  readonly serving: boolean;
  /** Ids of its processes: more than one while a swap is under way, or an old generation finishes what runs. */
  readonly pids: readonly number[];
  /** Where the inspector listens, when it does. */
  inspectorUrl(): Promise<URL | undefined>;
  /** Tells long-lived connections to end, since the process soon will; what runs goes on. */
  retire(): void;
  /**
   * Stops the process and removes what is temporary. Safe to call twice.
   * @param grace how long running exchanges may go on, in ms. Default 0
   */
  close(grace?: number): Promise<void>;
}

export interface GraphRuntimeOptions {
  /** Gets logs and exceptions; without it nothing is collected and nothing is paid for it. */
  onEvent?(event: RuntimeEvent): void;
  /** Whether `caches()` will be called: a cache that nobody can use is left away. */
  caches?: boolean;
  /** Called while a process starts and this thread has nothing to do: the time for what is needed after that. */
  onWait?(): void;
  /** Keeps what is sent to queues, and delivers it with `queue`. Without it the process does both, in its memory. */
  queues?: QueueService;
  /** Loads edited code into the running process where that is possible (docs/runtime.md). For development. */
  load?: boolean;
  /**
   * Work behind answers (`waitUntil`) is waited for when a generation goes: as long as running exchanges, or, when nobody
   * has to wait for it, as long as the platform lets it run. Where it cannot be seen, the generation stays for so many ms then.
   * Default 0: it is not waited for. Not together with `load`.
   */
  linger?: number;
  /** How long running exchanges may go on in the old generation, in ms, by mode. */
  drain?: Partial<Record<SwapMode, number>>;
}
