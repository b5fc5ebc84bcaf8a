/** `troupe dev`, and `startDev` for people's own tests. */
import { TroupeError } from "../../errors.ts";
import { anyFreePort, nextFreePort, portHolder, portIsFree } from "../../lib/port.ts";
import type { DevDoor } from "./door.ts";
import { urlsOf, viewGraph } from "./plan.ts";
import { DevSession } from "./session.ts";
import type { DevEvent, DevOptions, DevServer } from "./types.ts";

export type { DevEvent, DevOptions, DevServer, GraphView } from "./types.ts";

/** Where `wrangler dev` listens too. */
const DEFAULT_PORT = 8787;
/** Where debuggers look for Node first. */
const DEFAULT_INSPECTOR_PORT = 9229;
/** The inspector lets anybody run code, so it is never opened to a network. */
const INSPECTOR_IP = "127.0.0.1";

/** A build may take long; people who look meanwhile are told that it is going on. In ms. */
const OPEN_AFTER = 1_000;

/**
 * Runs services from source, with everything they bind, in one process; reloads when files change.
 * @throws TroupeError CONFIG, NOT_FOUND, CONFLICT (port or data folder in use); BUILD and START unless `keepGoing`
 */
export async function startDev(given: DevOptions): Promise<DevServer> {
  const ip = given.ip ?? "127.0.0.1";
  const port = await choosePort(given.port, ip);
  const options = { ...given, inspectorPort: await chooseInspectorPort(given) };
  const scheme = options.httpsPaths ? "https" : "http";
  const emit = (event: DevEvent): void => options.onEvent?.(event);

  let door: DevDoor | undefined;
  let opening: Promise<void> | undefined;
  // What a door is made of takes a while to load: best while the runtime starts.
  const open = (): Promise<void> => {
    opening ??= import("./door.ts").then(async ({ openDoor }) => {
      door = await openDoor({ session, options, ip, port, emit });
    });
    return opening;
  };
  const origin = (label: string): string => `${scheme}://${label ? `${label}.` : ""}localhost:${door!.port}`;
  const session = new DevSession(options, {
    emit,
    open,
    origin,
    settled: () => door?.refresh(),
    observe: (event) => door?.observe(event),
  });
  const late = setTimeout(() => void open().catch(() => {}), OPEN_AFTER);
  try {
    await session.start();
    await open();
  } catch (error) {
    clearTimeout(late);
    await opening?.catch(() => {});
    await door?.close();
    await session.stop();
    throw error;
  }
  clearTimeout(late);
  const { port: opened, fetch: send, close: closeDoor } = door!;
  const cron = options.cron ? (await import("./cron.ts")).startCron(session, emit) : undefined;
  let stopping: Promise<void> | undefined;

  return {
    url: origin(""),
    port: opened,
    get urls() {
      return session.plan ? urlsOf(session.plan, origin) : {};
    },
    view: () => viewGraph(session.plan!, urlsOf(session.plan!, origin)),
    fetch: (input, init) => send(new URL(input, origin("")), init),
    reload: () => session.change(),
    stop() {
      stopping ??= (async () => {
        cron?.stop();
        await closeDoor();
        await session.stop();
      })();
      return stopping;
    },
  };
}

/**
 * @returns 0 for "any"
 * @throws TroupeError CONFLICT naming the process that holds a port asked for
 */
async function choosePort(wanted: number | undefined, ip: string): Promise<number> {
  if (wanted === undefined) return nextFreePort(DEFAULT_PORT, ip);
  return wanted === 0 ? 0 : requirePort(wanted, ip, "--port");
}

/** Settled before anything runs: every generation of the runtime listens at the same port, or debuggers lose it. */
async function chooseInspectorPort({ inspect, inspectorPort }: DevOptions): Promise<number | undefined> {
  if (inspectorPort === 0) return anyFreePort(INSPECTOR_IP);
  if (inspectorPort !== undefined) return requirePort(inspectorPort, INSPECTOR_IP, "--inspector-port");
  return inspect ? nextFreePort(DEFAULT_INSPECTOR_PORT, INSPECTOR_IP) : undefined;
}

/** @throws TroupeError CONFLICT naming the process that holds the port, USAGE for what is no port */
async function requirePort(wanted: number, ip: string, flag: string): Promise<number> {
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65535) {
    throw new TroupeError("USAGE", `${flag} takes a number from 0 to 65535, not ${wanted}`);
  }
  if (await portIsFree(wanted, ip)) return wanted;
  const holder = await portHolder(wanted);
  throw new TroupeError(
    "CONFLICT",
    `Port ${wanted} is in use${holder ? ` by process ${holder.pid} (${holder.command})` : ""}`,
    {
      notes: [`Stop that process, pick another port, or leave ${flag} away: the next free one is taken then`],
    },
  );
}
