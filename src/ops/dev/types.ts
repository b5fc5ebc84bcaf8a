import type { Diagnostic } from "../../errors.ts";
import type { BatchOutcome, BuildSettings, EnvironmentRef, SwapMode } from "../../model.ts";

export interface DevOptions {
  cwd: string;
  /** Config files, as `-c`. Default: found upwards from `cwd`. */
  config?: string[];
  env?: string;
  /** Services to run; the first answers at `localhost`. Default: the current one, or all of the workspace. */
  service?: string[];
  /** Address to listen on. Default: `dev.ip` of the config, else 127.0.0.1. */
  ip?: string;
  /** Port that must be free. Default: `dev.port` of the config, else 8787 or the next free one. 0: any. */
  port?: number;
  /** Names of private services to give a hostname, or true for all. */
  expose?: readonly string[] | boolean;
  /** Values over the config's `vars`. */
  vars?: Record<string, string>;
  envFiles?: string[];
  /** Folder for data; false keeps it in memory. Default `.troupe/data/dev` at the workspace root. */
  persistTo?: string | false;
  stateDir?: string;
  /** Opens the inspector, at `dev.inspector_port` of the config, else 9229 or the next free one. */
  inspect?: boolean;
  /** Port of the inspector, which must be free. 0: any. */
  inspectorPort?: number;
  /** Answers `/__scheduled` too. */
  testScheduled?: boolean;
  /** Fires cron triggers on schedule. */
  cron?: boolean;
  /** Reloads HTML pages in the browser when something changed. */
  liveReload?: boolean;
  /**
   * Listens with https; paths of PEM files, or neither for a certificate made on the spot. False: with http. Default: what
   * `dev.local_protocol` of the config says, else http.
   */
  httpsPaths?: { key?: string; cert?: string } | false;
  /** Over the config, for the services named with `service` or standing first. Paths start from `cwd`. */
  overrides?: Partial<BuildSettings> & {
    main?: string;
    compatibilityDate?: string;
    compatibilityFlags?: string[];
    /** Folder of static assets. */
    assets?: string;
  };
  /** Watches files. Default true. */
  watch?: boolean;
  /** Goes on without a first good build, waiting for a change. Default false: `startDev` rejects. */
  keepGoing?: boolean;
  /** How long a service's code may take to start, in ms. Default 15 000. */
  startTimeout?: number;
  /** The clock of cron triggers, in ms since the epoch. Default: the system's. */
  now?(): number;
  processEnv?: Record<string, string | undefined>;
  /** Aborted: a start under way is given up, and `startDev` rejects. */
  signal?: AbortSignal;
  onEvent?(event: DevEvent): void;
}

/** What happens while `dev` runs; `reason` and its fields are a promise (docs/cli.md). */
export type DevEvent =
  | { reason: "ready"; url: string; urls: Record<string, string>; graph: GraphView; inspectorUrl?: string; ms: number }
  | {
      reason: "reload";
      services: string[];
      files: string[];
      mode: SwapMode;
      ms: number;
      paused: number;
      graph?: GraphView;
      urls?: Record<string, string>;
    }
  | {
      reason: "build-error";
      phase: "config" | "build" | "start";
      message: string;
      diagnostics: Diagnostic[];
      stale: boolean;
    }
  | { reason: "build-output"; service: string; environment: string; line: string }
  | { reason: "warning"; diagnostic: Diagnostic }
  | {
      reason: "request";
      service: string;
      environment: string;
      method: string;
      path: string;
      status: number;
      ms: number;
    }
  | { reason: "log"; service: string; environment: string; level: string; message: string; time: string }
  | {
      reason: "exception";
      service: string;
      environment: string;
      name: string;
      message: string;
      stack?: string;
      location?: import("../../errors.ts").Location;
    }
  | { reason: "scheduled"; service: string; environment: string; cron: string; outcome: string }
  /** A batch was delivered. */
  | ({ reason: "queue" } & EnvironmentRef & BatchOutcome)
  | { reason: "graph"; graph: GraphView }
  | { reason: "keys"; keys: [key: string, does: string][] }
  | { reason: "crashed"; message: string };

/** The graph as shown to people and in JSON. */
export interface GraphView {
  services: {
    service: string;
    environment: string;
    url?: string;
    private: boolean;
    bindings: {
      name: string;
      kind: string;
      describe: string;
      service?: string;
      environment?: string;
      why?: string;
      missing?: string;
    }[];
  }[];
}

export interface DevServer {
  /** `http://localhost:PORT`: the first service. */
  url: string;
  /** By service name; only services that have a hostname. */
  urls: Record<string, string>;
  port: number;
  /** The graph as shown to people. */
  view(): GraphView;
  /** Fetches from a service by its hostname; a relative URL goes to the first service. */
  fetch(input: string | URL, init?: RequestInit): Promise<Response>;
  /** Builds and reloads everything, as if every file had changed. Resolves when it serves. */
  reload(): Promise<void>;
  /** Stops watching, serving and the runtime; nothing is left behind. */
  stop(): Promise<void>;
}
