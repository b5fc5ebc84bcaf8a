import type { Readable, Writable } from "node:stream";

/** A stream that may be a terminal. */
export type OutputStream = Writable & { isTTY?: boolean; columns?: number };
export type InputStream = Readable & { isTTY?: boolean; setRawMode?(on: boolean): unknown };

/** What a command may use of the outside world. Tests pass their own; nothing else touches `process`. */
export interface Context {
  /** Absolute folder to work in (`--cwd` already applied). */
  cwd: string;
  env: Record<string, string | undefined>;
  stdin: InputStream;
  stdout: OutputStream;
  stderr: OutputStream;
  now(): Date;
  fetch: typeof globalThis.fetch;
  /** Told when a command that goes on has started. */
  settled?: (() => void) | undefined;
  /**
   * Stops this process and those beside it until the shell lets them go on, as Ctrl-Z does; absent where no system does that.
   * @param resumed called when it goes on
   */
  suspend?: ((resumed: () => void) => void) | undefined;
  /** Aborted on the first SIGINT or SIGTERM: long-running commands finish and return. */
  signal: AbortSignal;
  /** False without a TTY, on a dumb one, or with `CI` set: never wait for input then. */
  interactive: boolean;
  /** True for `--json`. */
  json: boolean;
  verbose: boolean;
  /** Shows a warning or note to the person (stderr); kept out of results. */
  report(diagnostic: import("./errors.ts").Diagnostic): void;
}
