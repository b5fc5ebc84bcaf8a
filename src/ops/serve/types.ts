import type { Diagnostic, Location } from "../../errors.ts";
import type { BatchOutcome, EnvironmentRef, SwapMode } from "../../model.ts";

export interface ServeOptions {
  cwd: string;
  /** Config files, as `-c`, to find the workspace by. */
  config?: string[];
  stateDir?: string;
  processEnv: Record<string, string | undefined>;
  /** Address to listen on. Default 127.0.0.1. */
  ip?: string;
  /** Default 8787. 0: any. */
  port?: number;
  /** What hostnames end in. Default "localhost". */
  domain?: string;
  /** Also listens with https, on this port (0: any), with certificates of a CA of its own. */
  httpsPort?: number;
  /** Where metrics are read and other commands connect; loopback. Default: any. */
  controlPort?: number;
  /** Seconds without a request after which a graph is stopped. Default 300. */
  idleTimeout?: number;
  /** Graphs that run at a time. Default: by the machine's memory. */
  maxProcesses?: number;
  /** Bytes that all graphs may take before idle ones are stopped. Default: half of the machine's memory. */
  memoryLimit?: number;
  /** A `request` event for each. Default true. */
  accessLog?: boolean;
  now?(): Date;
  onEvent?(event: ServeEvent): void;
}

/** A version of an environment. */
export interface VersionRef extends EnvironmentRef {
  version: number;
}

/** What happens while `serve` runs; `reason` and its fields are a promise (docs/cli.md). */
export type ServeEvent =
  | {
      reason: "ready";
      /** Address without a hostname of an environment. */
      url: string;
      httpsUrl?: string;
      /** By service, or `service@environment` for others than production. */
      urls: Record<string, string>;
      controlUrl: string;
      /** The CA to trust, for https. */
      ca?: string;
      ms: number;
    }
  | { reason: "start"; environments: VersionRef[]; ms: number }
  /** New versions serve in a graph that was running. */
  | { reason: "reload"; environments: VersionRef[]; mode: SwapMode; ms: number; paused: number }
  /** What there is to serve has changed. */
  | { reason: "deployed"; environments: (VersionRef & { url?: string })[]; removed: EnvironmentRef[] }
  /** A graph could not start; `stale`: what ran before goes on. */
  | {
      reason: "start-error";
      environments: VersionRef[];
      message: string;
      diagnostics: Diagnostic[];
      stale: boolean;
    }
  | { reason: "stop"; environments: VersionRef[]; why: string }
  | { reason: "crashed"; environments: VersionRef[]; message: string }
  | ({ reason: "request"; method: string; host: string; path: string; status: number; ms: number } & EnvironmentRef)
  | ({ reason: "log"; level: string; message: string; time: string } & EnvironmentRef)
  | ({ reason: "exception"; name: string; message: string; stack?: string; location?: Location } & EnvironmentRef)
  | ({ reason: "scheduled"; cron: string; outcome: string } & EnvironmentRef)
  /** A batch was delivered. */
  | ({ reason: "queue" } & EnvironmentRef & BatchOutcome)
  | { reason: "warning"; diagnostic: Diagnostic }
  | { reason: "exit"; signal?: string };

export interface ServeServer {
  url: string;
  port: number;
  httpsPort?: number;
  controlUrl: string;
  urls: Record<string, string>;
  /** Stops accepting, lets running exchanges end, stops every process. */
  stop(): Promise<void>;
}
