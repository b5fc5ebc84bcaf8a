/** Child processes in groups of their own, so that all they started can be ended with them. */
import { execFileSync, spawn } from "node:child_process";

export interface Child {
  pid: number;
  /** Everything written so far, both streams. */
  output(): string;
  exited: Promise<void>;
  hasExited(): boolean;
  /** Asks the group to end, and makes sure of it. */
  stop(): Promise<void>;
}

/** No network, no questions, no colours. */
const QUIET_ENV = {
  ...process.env,
  CI: "1",
  NO_COLOR: "1",
  FORCE_COLOR: undefined,
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  NO_UPDATE_CHECK: "1",
  NODE_OPTIONS: undefined,
};

const running = new Set<number>();

/** Starts Node (the one this runs on) with `args`, as the leader of a process group. */
export function startNode(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Child {
  const child = spawn(process.execPath, args, {
    ...(options.cwd && { cwd: options.cwd }),
    env: { ...QUIET_ENV, ...options.env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const pid = child.pid!;
  running.add(pid);
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => chunks.push(chunk));
  }
  let ended = false;
  const exited = new Promise<void>((resolve) =>
    child.once("exit", () => {
      ended = true;
      resolve();
    }),
  );
  return {
    pid,
    output: () => chunks.join(""),
    exited,
    hasExited: () => ended,
    async stop() {
      signal(pid, "SIGTERM");
      await Promise.race([exited, delay(3000)]);
      signal(pid, "SIGKILL");
      await exited;
      running.delete(pid);
    },
  };
}

/** Milliseconds that a run of Node with `args` takes, from spawn to exit. */
export async function timeNode(args: readonly string[], cwd?: string): Promise<number> {
  const startedAt = performance.now();
  const child = startNode(args, cwd === undefined ? {} : { cwd });
  await child.exited;
  const elapsed = performance.now() - startedAt;
  await child.stop();
  return elapsed;
}

export interface ProcessInfo {
  pid: number;
  group: number;
  /** Bytes. */
  memory: number;
  command: string;
}

/** The living members of a process group. Zombies that nobody collects don't count. */
export function groupMembers(group: number): ProcessInfo[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,pgid=,stat=,rss=,args="], { encoding: "utf8" })
    .trim()
    .split("\n");
  return lines.flatMap((line) => {
    const [, pid, pgid, stat, rss, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (Number(pgid) !== group || stat?.startsWith("Z")) return [];
    return [{ pid: Number(pid), group, memory: Number(rss) * 1024, command: command ?? "" }];
  });
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function signal(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(-group, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

// However this ends, nothing it started stays.
process.on("exit", () => {
  for (const group of running) signal(group, "SIGKILL");
});
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => process.exit(130));
