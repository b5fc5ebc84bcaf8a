import { type ChildProcess, spawn } from "node:child_process";
import readline from "node:readline";

export interface RunningCommand {
  /** Resolves when the command has ended and its output is read, however it ended; never rejects. */
  finished: Promise<CommandResult>;
  /** Ends the command and everything it started. Resolves when it is gone. */
  kill(): Promise<void>;
}

export interface CommandResult {
  /** Null when a signal ended it. */
  exitCode: number | null;
  signal: string | null;
  /** stdout and stderr as they came, line by line; the last ones when there were very many. */
  output: string[];
  /** Set when the command could not be started at all. */
  error?: Error;
}

export interface CommandOptions {
  cwd: string;
  /** Absent: this process's own. */
  env?: Record<string, string | undefined>;
  onLine?(line: string): void;
}

const KEPT_LINES = 500;
/** Time to end after SIGTERM before SIGKILL comes, in ms. */
const PATIENCE = 2000;

/**
 * Runs a command line in the system's shell, as the leader of a process group of its own, so that `kill` reaches the
 * command's children as well (a shell doesn't hand signals on to what it started).
 */
export function runCommand(commandLine: string, options: CommandOptions): RunningCommand {
  const posix = process.platform !== "win32";
  const child = spawn(commandLine, {
    cwd: options.cwd,
    ...(options.env && { env: options.env }),
    shell: true,
    detached: posix,
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    readline.createInterface({ input: stream }).on("line", (line) => {
      output.push(line);
      if (output.length > KEPT_LINES) output.shift();
      options.onLine?.(line);
    });
  }

  let gone = false;
  const finished = new Promise<CommandResult>((resolve) => {
    const end = (result: Omit<CommandResult, "output">) => {
      gone = true;
      resolve({ ...result, output });
    };
    child.once("error", (error) => end({ exitCode: null, signal: null, error }));
    child.once("close", (exitCode, signal) => end({ exitCode, signal }));
  });

  return {
    finished,
    async kill() {
      if (gone) return;
      signalTree(child, "SIGTERM", posix);
      const timer = setTimeout(() => signalTree(child, "SIGKILL", posix), PATIENCE);
      await finished;
      clearTimeout(timer);
    },
  };
}

function signalTree(child: ChildProcess, signal: "SIGTERM" | "SIGKILL", posix: boolean): void {
  if (child.pid === undefined) return;
  if (!posix) {
    spawn("taskkill", ["/pid", String(child.pid), "/T", "/F"], { stdio: "ignore", windowsHide: true }).on(
      "error",
      () => {},
    );
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group has ended in the meantime.
  }
}
