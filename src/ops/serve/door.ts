/** The front door of `serve`: hostname or route → environment. */
import { TroupeError } from "../../errors.ts";
import { type Authority, openAuthority } from "../../host/authority.ts";
import type { ClientRequest } from "../../host/client-request.ts";
import {
  type AccessEntry,
  createFrontDoor,
  type FrontDoor,
  type RouteResult,
  type WorkerRoute,
} from "../../host/front-door.ts";
import { type Page, unknownHostPage } from "../../host/pages.ts";
import { refId } from "../../model.ts";
import { portInUse } from "../port-in-use.ts";
import type { ServePlan } from "./plan.ts";
import type { ServeSession } from "./session.ts";

export type Scheme = "http" | "https";

/** @returns the worker that a URL belongs to. Routes go before hostnames, being written down by somebody. */
function workerFor(
  plan: ServePlan,
  base: string,
  url: { scheme: Scheme; host: string; path: string },
): string | undefined {
  const routed = plan.routes.find(url);
  if (routed !== undefined) return routed;
  return url.host.endsWith(`.${base}`) ? plan.hosts.get(url.host.slice(0, -base.length - 1)) : undefined;
}

/** Whether somebody asks from this very machine, not through another proxy. */
function isLocal(request: ClientRequest): boolean {
  const address = request.socket.remoteAddress ?? "";
  const loopback = /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(address);
  return loopback && request.headers["x-forwarded-for"] === undefined && request.headers.forwarded === undefined;
}

export interface DoorsInput {
  session: ServeSession;
  base: string;
  /** Reads the store if it has changed. */
  look(): void;
  ip: string;
  port: number;
  https?: { port: number; caDir: string };
  /** Addresses of all environments, for the page that lists them. */
  listing(scheme: Scheme): { name: string; url: string }[];
  onAccess(entry: AccessEntry): void;
}

export interface Doors {
  port: number;
  https?: { port: number; authority: Authority };
  close(grace: number): Promise<void>;
}

/** @throws TroupeError CONFLICT for a port that is taken, STORE for a broken CA */
export async function openDoors(input: DoorsInput): Promise<Doors> {
  const { session, base, ip } = input;
  const route =
    (scheme: Scheme) =>
    (host: string, request: ClientRequest): RouteResult => {
      const find = () => workerFor(session.plan, base, { scheme, host, path: request.url ?? "/" });
      let worker = find();
      if (worker === undefined) {
        // It may have been made a moment ago.
        input.look();
        worker = find();
      }
      if (worker === undefined) return { page: unknown(host, scheme, request) };
      return routeTo(worker);
    };
  // A route is the same for all requests of a plan.
  let routes = { of: session.plan, made: new Map<string, WorkerRoute>() };
  const routeTo = (worker: string): WorkerRoute => {
    if (routes.of !== session.plan) routes = { of: session.plan, made: new Map() };
    const made = routes.made.get(worker) ?? workerRoute(session, worker);
    routes.made.set(worker, made);
    return made;
  };
  const unknown = (host: string, scheme: Scheme, request: ClientRequest): Page =>
    isLocal(request)
      ? unknownHostPage(host, input.listing(scheme), request.headers.accept)
      : { status: 404, headers: {}, body: "" };

  const http = await open(ip, input.port, "--port", {
    route: route("http"),
    onAccess: input.onAccess,
  });
  if (!input.https) return { port: http.port, close: (grace) => http.close(grace) };
  try {
    const authority = await openAuthority(input.https.caDir);
    const isOurs = (host: string) =>
      host === base ||
      // One label: what else lies below the base is nobody's.
      (host.endsWith(`.${base}`) && !host.slice(0, -base.length - 1).includes(".")) ||
      session.plan.routes.covers(host);
    const https = await open(ip, input.https.port, "--https-port", {
      route: route("https"),
      onAccess: input.onAccess,
      tls: authority.serverOptions(isOurs),
    });
    return {
      port: http.port,
      https: { port: https.port, authority },
      close: async (grace) => void (await Promise.all([http.close(grace), https.close(grace)])),
    };
  } catch (error) {
    await http.close();
    throw error;
  }
}

/** To one worker of a plan. */
function workerRoute({ plan, pool }: ServeSession, worker: string): WorkerRoute {
  const name = refId(plan.deployed.get(worker)!.ref);
  return {
    worker,
    tryAcquire: () => pool.tryAcquire(worker),
    acquire: () => pool.acquire(worker),
    // What is wrong inside is for those who run it.
    explain: (error, request) => (isLocal(request) ? error : new TroupeError("UNREACHABLE", "Try again in a moment.")),
    responseHeaders: ({ version }) => ["x-troupe-version", `${name}/${version?.id ?? "?"}`],
  };
}

async function open(
  host: string,
  port: number,
  flag: string,
  options: Omit<Parameters<typeof createFrontDoor>[0], "host" | "port">,
): Promise<FrontDoor> {
  try {
    return await createFrontDoor({ host, port, ...options });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      throw await portInUse(port, `Stop that process, or pick another port with ${flag}`, { cause: error });
    }
    if (code === "EACCES") {
      throw new TroupeError("AUTH", `This user may not listen on port ${port}`, {
        notes: [`Pick a port above 1023 with ${flag}, or give node the right to low ports`],
        cause: error,
      });
    }
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
      throw new TroupeError("USAGE", `${host} is no address of this machine`, {
        notes: ["Correct --ip"],
        cause: error,
      });
    }
    throw error;
  }
}
