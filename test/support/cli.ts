/** Runs the real binary, as a user would. */
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";

export const ROOT = path.resolve(fileURLToPath(import.meta.url), "../../..");
export const BIN = path.join(ROOT, "dist/bin.js");

export interface CliOptions {
  cwd?: string;
  /** Over the environment of the tests. */
  env?: Record<string, string | undefined>;
  /** Written to stdin, which is then closed. */
  input?: string;
  /** Arguments of node itself, before the binary. */
  nodeArgs?: string[];
  /** Another copy of the binary. */
  bin?: string;
}

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end. */
export async function troupe(args: string[], options: CliOptions = {}): Promise<CliResult> {
  const running = startTroupe(args, options);
  return running.finished;
}

/** Runs a command with `--json` and gives its result; an unexpected failure throws with stderr. */
export async function troupeJson<T>(args: string[], options: CliOptions = {}): Promise<T> {
  const { code, stdout, stderr } = await troupe([...args, "--json"], options);
  if (code !== 0) throw new Error(`troupe ${args.join(" ")} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

export interface RunningTroupe {
  child: ChildProcess;
  /** What was printed so far. */
  readonly stdout: string;
  readonly stderr: string;
  finished: Promise<CliResult>;
  /**
   * The first event (line of JSON on stdout) that `wanted` accepts, from `after` on.
   * Rejects when the process ends or 50 s have passed without one.
   */
  event(wanted: (event: CliEvent) => boolean, after?: number): Promise<CliEvent>;
  /** Resolves when stdout and stderr together hold this. */
  output(pattern: RegExp): Promise<RegExpExecArray>;
  /** Events so far. */
  readonly events: CliEvent[];
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<CliResult>;
}

export interface CliEvent {
  reason: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events as they like
  [field: string]: any;
}

const PATIENCE = 50_000;

/** Starts a command that goes on until it is stopped. Stop it in the test, or with `onTestFinished`. */
export function startTroupe(args: string[], options: CliOptions = {}): RunningTroupe {
  const buildError = inject("buildError");
  if (buildError) throw new Error(`dist/ could not be built: ${buildError}`);
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), options.bin ?? BIN, ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, CI: undefined, FORCE_COLOR: undefined, ...options.env } as NodeJS.ProcessEnv,
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");

  const state = { stdout: "", stderr: "", ended: undefined as CliResult | undefined };
  const watchers = new Set<() => void>();
  const changed = (): void => {
    for (const watcher of watchers) watcher();
  };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      state[name] += text;
      changed();
    });
  }
  const finished = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      state.ended = { code, stdout: state.stdout, stderr: state.stderr };
      resolve(state.ended);
      changed();
    });
  });

  const events = (): CliEvent[] =>
    state.stdout
      .split("\n")
      .slice(0, -1)
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line));

  /** Resolves with what `find` finds, looking again whenever something was printed. */
  const waitFor = <T>(find: () => T | undefined, what: string): Promise<T> =>
    new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        watchers.delete(look);
        clearTimeout(timer);
        end();
      };
      const fail = (why: string): void =>
        settle(() => reject(new Error(`${why} without ${what}\n${state.stdout}\n${state.stderr}`)));
      const look = (): void => {
        const found = find();
        if (found !== undefined) settle(() => resolve(found));
        else if (state.ended) fail(`troupe ended with ${state.ended.code}`);
      };
      const timer = setTimeout(() => fail("50 s have passed"), PATIENCE);
      watchers.add(look);
      look();
    });

  return {
    child,
    get stdout() {
      return state.stdout;
    },
    get stderr() {
      return state.stderr;
    },
    get events() {
      return events();
    },
    finished,
    event: (wanted, after = 0) => waitFor(() => events().slice(after).find(wanted), "the event"),
    output: (pattern) => waitFor(() => pattern.exec(state.stdout + state.stderr) ?? undefined, String(pattern)),
    stop(signal = "SIGINT") {
      child.kill(signal);
      return finished;
    },
  };
}
