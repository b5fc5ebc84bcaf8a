/** A running `troupe dev`, and how its services answer. */
import { execFileSync } from "node:child_process";
import { cpSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { type CliEvent, type CliOptions, type CliResult, ROOT, type RunningTroupe, startTroupe } from "./cli.ts";
import { makeFolder } from "./files.ts";

export interface Dev {
  running: RunningTroupe;
  /** The `ready` event. */
  ready: CliEvent;
  port: number;
  /** Asks a service by its hostname; "" is `localhost`, the first service. */
  get(service: string, path?: string, init?: RequestOptions): Promise<Answer>;
  /** A place in the stream of events, for `next`. */
  mark(): number;
  /** The first event with this reason after a mark. */
  next(reason: string, after: number, wanted?: (event: CliEvent) => boolean): Promise<CliEvent>;
  /** Does something to the files and waits for the reload that follows. */
  reloadAfter(change: () => void, wanted?: (event: CliEvent) => boolean): Promise<CliEvent>;
  stop(signal?: NodeJS.Signals): Promise<CliResult>;
}

export interface RequestOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** Starts `troupe dev --json` on a free port and waits until it serves. */
export async function startDev(cwd: string, args: string[] = [], options: CliOptions = {}): Promise<Dev> {
  const running = startTroupe(["dev", "--json", "--port", "0", ...args], { cwd, ...options });
  return ready(running);
}

/** Waits until a `troupe dev --json` that was started by hand serves. */
export async function ready(running: RunningTroupe): Promise<Dev> {
  const first = await running
    .event((event) => event.reason === "ready")
    .catch(async (error) => {
      await running.stop("SIGKILL");
      throw error;
    });
  const port = Number(new URL(first.url).port);
  const dev: Dev = {
    running,
    ready: first,
    port,
    get: (service, url, init) => request(port, service ? `${service}.localhost` : "localhost", url, init),
    mark: () => running.events.length,
    next: (reason, after, wanted = () => true) =>
      running.event((event) => event.reason === reason && wanted(event), after),
    reloadAfter(change, wanted) {
      const before = running.events.length;
      change();
      return dev.next("reload", before, wanted);
    },
    stop: (signal) => running.stop(signal),
  };
  return dev;
}

/** One request to 127.0.0.1 with a Host header: `*.localhost` does not resolve everywhere. */
export function request(port: number, host: string, url = "/", init: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = http.request({
      host: "127.0.0.1",
      port,
      path: url,
      method: init.method ?? "GET",
      headers: { host: `${host}:${port}`, ...init.headers },
      agent: false,
    });
    outgoing.once("error", reject);
    outgoing.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    outgoing.end(init.body);
  });
}

/** A copy of one of fixtures/, which tests may change. Remove it at the end. */
export function copyFixture(name: string): string {
  const folder = makeFolder();
  cpSync(path.join(ROOT, "fixtures", name), folder, { recursive: true });
  return folder;
}

/** Process ids of all that `pid` started, and what those started. Zombies don't count. */
export function descendants(pid: number): number[] {
  const parents = processes();
  const found: number[] = [];
  const visit = (parent: number): void => {
    for (const [child, of] of parents) {
      if (of !== parent) continue;
      found.push(child);
      visit(child);
    }
  };
  visit(pid);
  return found;
}

/** Those of `pids` that still run. */
export function alive(pids: readonly number[]): number[] {
  const running = processes();
  return pids.filter((pid) => running.has(pid));
}

function processes(): Map<number, number> {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat="], { encoding: "utf8" }).trim().split("\n");
  return new Map(
    lines.flatMap((line) => {
      const [pid, parent, state] = line.trim().split(/\s+/);
      return state?.startsWith("Z") ? [] : [[Number(pid), Number(parent)]];
    }),
  );
}
