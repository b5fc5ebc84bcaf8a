/** The front door of `dev`: one port, every service by its hostname, errors where they are seen. */
import { answerEmail, answerScheduled, isEmailPath, isScheduledPath } from "../../host/cdn-cgi.ts";
import type { ClientRequest } from "../../host/client-request.ts";
import { createFrontDoor, type FrontDoor, type RouteResult } from "../../host/front-door.ts";
import { type ErrorView, errorPage, overlay, type Page, unknownHostPage, viewOf } from "../../host/pages.ts";
import { sourceFrame } from "../../lib/source-frame.ts";
import { withTimeout } from "../../lib/with-timeout.ts";
import type { RuntimeEvent } from "../../runtime/types.ts";
import { portInUse } from "../port-in-use.ts";
import { loadCertificate } from "./certificate.ts";
import type { DevFailure } from "./failure.ts";
import type { Listening } from "./listen.ts";
import { createLiveReload } from "./live-reload.ts";
import { type Plan, splitId, urlsOf, whyClosed } from "./plan.ts";
import type { DevSession } from "./session.ts";
import type { DevEvent, DevOptions } from "./types.ts";

/** How long a 500 waits for the tail report that explains it, in ms. */
const EXPLAIN_WITHIN = 500;
/** A request that comes after a save waits for the new code, but no longer than this, in ms: a build may need an answer itself. */
const WAIT_FOR_RELOAD = 3_000;
const TITLES: Record<DevFailure["phase"], string> = {
  config: "The config has errors",
  build: "The build failed",
  start: "The code does not start",
};

type Exception = Extract<RuntimeEvent, { type: "exception" }>;

export interface DevDoor {
  port: number;
  /** After every cycle of the session. */
  refresh(): void;
  observe(event: RuntimeEvent): void;
  fetch(url: URL, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

export interface DoorInput {
  session: DevSession;
  options: DevOptions;
  listening: Listening;
  emit(event: DevEvent): void;
}

/** @throws TroupeError CONFLICT when the port is taken meanwhile, CONFIG for a certificate that can't be read */
export async function openDoor({ session, options, listening, emit }: DoorInput): Promise<DevDoor> {
  const { ip, port, https } = listening;
  const exceptions = createExceptionDesk();
  const reload = options.liveReload ? createLiveReload() : undefined;
  const tls = https ? await loadCertificate(https, options.cwd) : undefined;
  const scheme = tls ? "https" : "http";
  let door: FrontDoor;
  const origin = (label: string) => `${scheme}://${label}.localhost:${door.port}`;

  const route = (hostname: string, request: ClientRequest): RouteResult => {
    const { plan, serving, reloading } = session;
    if (serving && plan) {
      if (!reloading) return served(plan, hostname, request);
      return { later: restedWithin(session, WAIT_FOR_RELOAD).then(() => served(session.plan!, hostname, request)) };
    }
    const later = session.rested().then((): RouteResult => {
      return session.serving ? route(hostname, request) : { page: notServing(session.failure, request.headers.accept) };
    });
    return { later };
  };
  const served = (plan: Plan, hostname: string, request: ClientRequest): RouteResult => {
    const url = request.url ?? "/";
    const label = hostname.endsWith(".localhost") ? hostname.slice(0, -".localhost".length) : undefined;
    // Whatever is no name of ours (an address, a tunnel's hostname) means the first service.
    const worker = label === undefined ? plan.primary : plan.hosts.get(label);
    if (worker === undefined) {
      const known = Object.entries(urlsOf(plan, origin)).map(([name, address]) => ({ name, url: address }));
      return { page: unknownHostPage(hostname, known, request.headers.accept, whyClosed(plan, label!)) };
    }
    if (isScheduledPath(url, options))
      return { answer: () => answerScheduled(url, (given) => session.runtime.scheduled(worker, given)) };
    if (isEmailPath(url)) {
      return { answer: (request) => answerEmail(request, (message) => session.runtime.email(worker, message)) };
    }
    if (reload?.matches(url)) return { answer: () => reload.wait(url) };
    return {
      worker,
      tryAcquire: () => session.runtime.tryAcquire(worker),
      acquire: () => session.runtime.acquire(worker),
    };
  };

  try {
    door = await createFrontDoor({
      host: ip,
      port,
      ...(tls && { tls }),
      route,
      onAccess: ({ worker, method, path, status, ms }) =>
        emit({ reason: "request", ...splitId(worker), method, path, status, ms: Math.round(ms) }),
      async onUncaught(ray, accept) {
        const exception = await exceptions.wait(ray, EXPLAIN_WITHIN);
        return exception && errorPage(exceptionView(exception), 500, accept);
      },
      appendHtml() {
        const shown = session.failure ? overlay(failureView(session.failure)) : "";
        return shown + (reload?.markup() ?? "") || undefined;
      },
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw await portInUse(port, "Stop that process, or pick another port with --port", { cause: error });
  }

  let client: ReturnType<typeof openClient> | undefined;
  return {
    port: door.port,
    refresh: () => reload?.changed(),
    observe(event) {
      if (event.type === "exception") exceptions.add(event);
    },
    async fetch(url, init) {
      client ??= openClient(ip);
      return (await client).fetch(url, init);
    },
    async close() {
      reload?.close();
      await Promise.all([door.close(), client?.then(({ close }) => close())]);
    },
  };
}

async function restedWithin(session: DevSession, limit: number): Promise<void> {
  await withTimeout(session.rested(), { limit }, () => new Error("still reloading")).catch(() => {});
}

/**
 * A `fetch` that finds our hostnames: names below .localhost are loopback by definition, which not every resolver knows
 * (RFC 6761, 6.3). Loaded when it is asked for: it is for people's own tests.
 */
async function openClient(ip: string): Promise<{ fetch: DevDoor["fetch"]; close(): Promise<void> }> {
  const { default: undici } = await import("undici");
  const family = ip.includes(":") ? 6 : 4;
  const agent = new undici.Agent({
    connect: { lookup: (_name, _options, done) => done(null, [{ address: ip, family }]), rejectUnauthorized: false },
  });
  return {
    fetch: (url, init) => undici.fetch(url, { ...init, dispatcher: agent } as never) as unknown as Promise<Response>,
    close: () => agent.destroy(),
  };
}

function notServing(failure: DevFailure | undefined, accept: string | undefined): Page {
  if (failure) return errorPage(failureView(failure), 500, accept);
  return errorPage(
    { title: "Starting", items: [{ message: "The services are being built; try again in a moment." }] },
    503,
    accept,
  );
}

function failureView(failure: DevFailure): ErrorView {
  const view = viewOf(TITLES[failure.phase], failure.diagnostics, ({ location }) => location && sourceFrame(location));
  return { ...view, footer: "Waiting for a change: save the file, and this goes away." };
}

function exceptionView(exception: Exception): ErrorView {
  const { location } = exception;
  return {
    title: "Uncaught exception",
    service: splitId(exception.worker).service,
    items: [
      {
        message: `${exception.name}: ${exception.message}`,
        ...(location && {
          place: `${location.file}:${location.line}:${location.column}`,
          frame: sourceFrame(location),
        }),
        stack: exception.stack,
      },
    ],
  };
}

/** Where 500s wait for the exception that explains them: the two are matched by the request's ray. */
function createExceptionDesk() {
  const KEPT = 100;
  const seen = new Map<string, Exception>();
  const waiting = new Map<string, (exception: Exception) => void>();
  return {
    add(exception: Exception): void {
      const { ray } = exception;
      if (!ray) return;
      // The first one is the innermost: callers report it again.
      if (!seen.has(ray)) seen.set(ray, exception);
      for (const old of [...seen.keys()].slice(0, Math.max(0, seen.size - KEPT))) seen.delete(old);
      waiting.get(ray)?.(exception);
    },
    wait(ray: string, milliseconds: number): Promise<Exception | undefined> {
      const known = seen.get(ray);
      if (known) return Promise.resolve(known);
      return new Promise((resolve) => {
        const settle = (exception?: Exception): void => {
          clearTimeout(timer);
          waiting.delete(ray);
          resolve(exception);
        };
        const timer = setTimeout(settle, milliseconds);
        waiting.set(ray, settle);
      });
    },
  };
}
