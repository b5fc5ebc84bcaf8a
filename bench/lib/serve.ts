/** A store with services in it, `troupe serve` on it, and loads. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { TestStore } from "../../test/support/store.ts";
import { TROUPE_BIN } from "./contenders.ts";
import { Client } from "./http.ts";
import { type Child, delay, groupMembers, startNode } from "./processes.ts";

export interface BenchStore {
  store: TestStore;
  remove(): void;
}

export function benchStore(): BenchStore {
  const folder = mkdtempSync(path.join(tmpdir(), "troupe-bench-serve-"));
  const store = new TestStore(path.join(folder, ".troupe"));
  return {
    store,
    remove() {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Event {
  reason: string;
  url?: string;
  message?: string;
  paused?: number;
  mode?: string;
}

export interface Served {
  port: number;
  child: Child;
  /** From spawning the process to its `ready`. */
  startedIn: number;
  events(): Event[];
  /** The first event after `from` of the kind. @throws Error after 30 s */
  next(reason: string, from: number): Promise<Event>;
  /** Bytes of the host's own process, without workerd. */
  memory(): number;
  stop(): Promise<void>;
}

export async function serve(store: TestStore): Promise<Served> {
  const startedAt = performance.now();
  const child = startNode([
    TROUPE_BIN,
    "serve",
    "--json",
    "--no-access-log",
    "--port",
    "0",
    "--state-dir",
    store.folder,
  ]);
  const events = (): Event[] =>
    child
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line));
  const next = async (reason: string, from: number): Promise<Event> => {
    for (const deadline = performance.now() + 30_000; performance.now() < deadline; await delay(2)) {
      const found = events().slice(from);
      const failed = found.find((event) => event.reason === "start-error");
      if (failed) throw new Error(failed.message);
      const wanted = found.find((event) => event.reason === reason);
      if (wanted) return wanted;
    }
    throw new Error(`no "${reason}" in time\n${child.output()}`);
  };
  const { url } = await next("ready", 0);
  return {
    port: Number(new URL(url!).port),
    child,
    startedIn: performance.now() - startedAt,
    events,
    next,
    memory: () => groupMembers(child.pid).find(({ pid }) => pid === child.pid)!.memory,
    stop: () => child.stop(),
  };
}

export interface Outcome {
  requests: number;
  lost: number;
  reason: string;
  /** The longest that a client waited, ms. */
  longest: number;
  written: string[];
}

/** @param seconds left out: until `stop` */
export function load(port: number, host: string, options: { seconds?: number; write?: boolean } = {}) {
  const file = path.join(import.meta.dirname, "load.ts");
  const args = [file, String(port), host, String(options.seconds ?? 0), ...(options.write ? ["write"] : [])];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const done = new Promise<Outcome>((resolve) => child.once("close", () => resolve(JSON.parse(output))));
  return {
    done,
    stop() {
      child.stdin.end();
      return done;
    },
  };
}

/** One answer of an environment, by the first label of its hostname. @throws Error for another status than 200 */
export async function get(port: number, label: string, url = "/"): Promise<string> {
  const client = new Client(port);
  try {
    const { status, body } = await client.get(url, { host: `${label}.localhost` });
    if (status !== 200) throw new Error(`${label}: ${status} ${body.slice(0, 300)}`);
    return body;
  } finally {
    client.close();
  }
}
