/**
 * The live log of one Worker: the API opens a tail and says where its WebSocket is. A tail that is lost is opened again, and
 * none is left open.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { TroupeError } from "../../errors.ts";
import { VERSION } from "../../package.ts";
import type { Network } from "./network.ts";
import { apiFilters, type TailFilters } from "./tail-filters.ts";
import type { Trace } from "./trace.ts";

/** What the other side must speak. */
const PROTOCOL = "trace-v1";
const PING_EVERY = 10_000;
/** Milliseconds to wait before each attempt to open it again. */
const WAITS = [250, 1000, 2000, 4000, 8000];
/** A connection that held as long as this was a good one. */
const GOOD = 10_000;
/** Nobody who pressed Ctrl-C wants to wait longer for the end. */
const FAREWELL = 3000;
const NORMAL_CLOSURE = 1000;

export interface TailOptions {
  /** Name of the script. */
  script: string;
  /** For messages: `service gateway@staging`. */
  about: string;
  filters: TailFilters;
  /** Ends it. */
  signal: AbortSignal;
  onOpen(opened: { again: boolean; expiresAt: string }): void;
  onTrace(trace: Trace): void;
  onLost(lost: { why: string; ms: number }): void;
}

interface Tail {
  id: string;
  url: string;
  expires_at: string;
}

type Ended = { how: "aborted" } | { how: "closed" } | { how: "lost"; why: string; good: boolean };

/**
 * Tells what happens until the signal, or until the network ends it.
 * @throws TroupeError NOT_FOUND without such a Worker, USAGE, AUTH, UNREACHABLE when it cannot be opened (again)
 */
export async function tailScript(network: Network, options: TailOptions): Promise<void> {
  const { script, about, signal, onLost } = options;
  const filters = apiFilters(options.filters);
  const path = `${network.script(script)}/tails`;
  let again = false;
  for (let attempt = 0; !signal.aborted; ) {
    const tail = await network.api.post<Tail>(path, { body: { filters }, about });
    const ended = await watch(tail, again, options).finally(() => remove(network, `${path}/${tail.id}`));
    if (ended.how === "aborted") return;
    if (ended.how === "closed") {
      if (Date.now() < Date.parse(tail.expires_at)) return;
      again = true;
      continue;
    }
    if (ended.good) attempt = 0;
    const wait = WAITS[attempt++];
    if (wait === undefined) {
      throw new TroupeError(
        "UNREACHABLE",
        `${about}: its log was lost, and ${WAITS.length} attempts to open it again failed`,
        {
          notes: [ended.why, "Check the connection, then run the same command again"],
        },
      );
    }
    onLost({ why: ended.why, ms: wait });
    await sleep(wait, undefined, { signal }).catch(() => undefined);
    again = true;
  }
}

/** A tail that nobody closes ends by itself some hours later, so this may fail. */
async function remove({ api }: Network, path: string): Promise<void> {
  const patience = new AbortController();
  const deleted = api.delete(path, { attempts: 1 }).catch(() => undefined);
  await Promise.race([deleted, sleep(FAREWELL, undefined, { signal: patience.signal })]);
  patience.abort();
}

/** One connection, to its end. */
async function watch(tail: Tail, again: boolean, { signal, onOpen, onTrace }: TailOptions): Promise<Ended> {
  const { WebSocket } = await import("ws");
  if (signal.aborted) return { how: "aborted" };
  const socket = new WebSocket(tail.url, PROTOCOL, {
    headers: { "User-Agent": `troupe/${VERSION}` },
    handshakeTimeout: PING_EVERY,
  });
  let why = "the connection was closed";
  let good = false;
  let answered = true;
  let pings: NodeJS.Timeout | undefined;
  const opened = Date.now();
  const abort = () => socket.terminate();
  signal.addEventListener("abort", abort, { once: true });
  socket.on("open", () => {
    socket.send(JSON.stringify({ debug: false }));
    onOpen({ again, expiresAt: tail.expires_at });
    pings = setInterval(() => {
      if (answered) {
        answered = false;
        socket.ping();
        return;
      }
      why = "nobody answers any more";
      socket.terminate();
    }, PING_EVERY);
  });
  socket.on("pong", () => {
    answered = true;
  });
  socket.on("message", (data: Buffer) => {
    good = true;
    const trace = parsed(data);
    if (trace) onTrace(trace);
  });
  // "close" follows.
  socket.on("error", (error: Error) => {
    why = error.message;
  });
  const code = await new Promise<number>((resolve) => socket.on("close", resolve));
  clearInterval(pings);
  signal.removeEventListener("abort", abort);
  if (signal.aborted) return { how: "aborted" };
  if (code === NORMAL_CLOSURE) return { how: "closed" };
  return { how: "lost", why, good: good || (pings !== undefined && Date.now() - opened > GOOD) };
}

function parsed(data: Buffer): Trace | undefined {
  try {
    return JSON.parse(data.toString()) as Trace;
  } catch {
    return undefined;
  }
}
