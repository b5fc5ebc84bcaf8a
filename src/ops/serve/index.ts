/** `troupe serve`: the long-running host of everything that is deployed. */
import path from "node:path";
import type { TroupeError } from "../../errors.ts";
import type { AccessEntry } from "../../host/front-door.ts";
import { DEFAULT_BASE } from "../../host/hostname.ts";
import { createMetrics, type Metrics } from "../../host/metrics.ts";
import type { PoolEvent } from "../../host/pool.ts";
import { usableMemory } from "../../lib/process-memory.ts";
import { isPrivate, PRODUCTION, refId } from "../../model.ts";
import { openStore } from "../../store/index.ts";
import type { Deployed } from "../deployed/index.ts";
import { ensureStateFolder } from "../state.ts";
import { openControl } from "./control.ts";
import { openDoors, type Scheme } from "./door.ts";
import { takeState } from "./lock.ts";
import { ServeSession } from "./session.ts";
import { serveState } from "./state.ts";
import type { ServeEvent, ServeOptions, ServeServer } from "./types.ts";
import { type StoreWatch, watchStore } from "./watch.ts";

export type { ServeEvent, ServeOptions, ServeServer } from "./types.ts";

/** Where `dev` and `wrangler dev` listen too. */
const DEFAULT_PORT = 8787;
const DEFAULT_IDLE_TIMEOUT = 300;
/** Running exchanges get this long when the host is told to stop, in ms. */
const GRACE = 10_000;
/** More than a process usually takes, of the half of the memory that may be used. */
const MEMORY_PER_PROCESS = 128 * 1024 * 1024;

/**
 * Serves everything that is deployed in a store, and follows its changes until it is stopped.
 * @throws TroupeError CONFLICT when another `serve` runs on the store or a port is taken; STORE
 */
export async function startServe(options: ServeOptions): Promise<ServeServer> {
  const startedAt = performance.now();
  const emit = (event: ServeEvent): void => options.onEvent?.(event);
  const state = await serveState(options);
  const data = path.join(state, "data", "serve");
  await ensureStateFolder(state, data);
  const lock = await takeState(state);
  const closing: (() => Promise<void> | void)[] = [() => lock.release()];
  let until: number | undefined;
  // For all steps together: whoever told it to stop does not wait for ever.
  const grace = (): number => {
    until ??= performance.now() + GRACE;
    return Math.max(0, until - performance.now());
  };
  const close = async (): Promise<void> => {
    const errors: unknown[] = [];
    // One that fails keeps none of the others from being done.
    for (const step of closing.reverse()) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  };

  try {
    const store = openStore(state, { ...(options.now && { now: options.now }) });
    closing.push(() => store.close());
    const base = (options.domain ?? DEFAULT_BASE).toLowerCase().replace(/^\.|\.$/g, "");
    let ports: Partial<Record<Scheme, number>> = {};
    const address = (label: string, scheme: Scheme = "http"): string => {
      const port = ports[scheme]!;
      const usual = scheme === "http" ? 80 : 443;
      return `${scheme}://${label === "" ? "" : `${label}.`}${base}${port === usual ? "" : `:${port}`}`;
    };
    const urlOf = (each: Deployed, scheme: Scheme = "http"): string | undefined =>
      isPrivate(each.environment) ? undefined : address(each.label, scheme);

    const memoryLimit = options.memoryLimit ?? Math.floor(usableMemory() / 2);
    let metrics: Metrics | undefined;
    let watching: StoreWatch | undefined;
    const session = await ServeSession.open({
      store,
      dataDir: data,
      filesDir: path.join(state, "files"),
      idleTimeout: (options.idleTimeout ?? DEFAULT_IDLE_TIMEOUT) * 1000,
      maxProcesses: options.maxProcesses ?? Math.max(4, Math.floor(usableMemory() / 2 / MEMORY_PER_PROCESS)),
      memoryLimit,
      ...(options.now && { now: options.now }),
      emit,
      observe: (event) => count(metrics, event),
      urlOf,
    });
    closing.push(() => session.close(grace));
    metrics = createMetrics({
      running: () => session.pool.running,
      graphs: () => session.plan.graphs.length,
      environments: () => session.plan.deployed.size,
      memory: () => session.memory(),
      memoryLimit,
      backlogs: () => session.backlogs(),
    });

    const urls = (scheme: Scheme = "http"): Record<string, string> =>
      Object.fromEntries(
        [...session.plan.deployed.values()].flatMap((each) => {
          const url = urlOf(each, scheme);
          const name = each.ref.environment === PRODUCTION ? each.ref.service : refId(each.ref);
          return url === undefined ? [] : [[name, url]];
        }),
      );
    const { accessLog = true } = options;
    const onAccess = ({ worker, method, host, path: url, status, ms }: AccessEntry): void => {
      const ref = session.plan.deployed.get(worker)?.ref;
      if (!ref) return;
      metrics?.request(ref, status, ms);
      if (accessLog) emit({ reason: "request", ...ref, method, host, path: url, status, ms: Math.round(ms) });
    };
    const doors = await openDoors({
      session,
      base,
      look: () => watching?.check(),
      ip: options.ip ?? "127.0.0.1",
      port: options.port ?? DEFAULT_PORT,
      ...(options.httpsPort !== undefined && { https: { port: options.httpsPort, caDir: path.join(state, "ca") } }),
      listing: (scheme) => Object.entries(urls(scheme)).map(([name, url]) => ({ name, url })),
      onAccess,
    });
    closing.push(
      () => doors.close(grace()),
      // The doors wait for what runs, and a WebSocket runs for ever.
      () => session.pool.endConnections(),
    );
    ports = { http: doors.port, ...(doors.https && { https: doors.https.port }) };
    const control = await openControl({ session, metrics, port: options.controlPort ?? 0 });
    closing.push(() => control.close());
    watching = watchStore(
      store,
      () => session.refresh(),
      (error) => {
        const { message, notes } = error as Partial<TroupeError> & Error;
        emit({
          reason: "warning",
          diagnostic: { severity: "warning", code: "store", message, ...(notes && { notes }) },
        });
      },
    );
    closing.push(() => watching?.stop());
    const url = address("");
    const about = { url, scheme: "http", base, port: doors.port };
    await lock.update({ control: control.url, token: control.token, ...about });

    emit({
      reason: "ready",
      url,
      ...(doors.https && { httpsUrl: address("", "https"), ca: doors.https.authority.certFile }),
      urls: urls(),
      controlUrl: control.url,
      ms: Math.round(performance.now() - startedAt),
    });
    let stopping: Promise<void> | undefined;
    return {
      url,
      port: doors.port,
      ...(doors.https && { httpsPort: doors.https.port }),
      controlUrl: control.url,
      get urls() {
        return urls();
      },
      stop() {
        stopping ??= close();
        return stopping;
      },
    };
  } catch (error) {
    // What was wrong first says more.
    await close().catch(() => {});
    throw error;
  }
}

function count(metrics: Metrics | undefined, event: PoolEvent): void {
  if (event.type === "started") metrics?.started(event.ms);
  else if (event.type === "swapped") metrics?.swapped(event.mode, event.paused);
  else if (event.type === "stopped") metrics?.stopped(event.why);
  else if (event.type === "crashed") metrics?.crashed();
  else metrics?.failed();
}
