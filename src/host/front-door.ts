/** Our HTTP front door: takes requests for all hostnames and hands them to workerd's own sockets. */
import http from "node:http";
import https from "node:https";
import type net from "node:net";
import type { Duplex } from "node:stream";
import type { Lease } from "../runtime/types.ts";
import { createAgent } from "./body-client.ts";
import { ClientConnections } from "./client-connections.ts";
import type { ClientRequest } from "./client-request.ts";
import { Exchange } from "./exchange.ts";
import { forwardRequest } from "./forward.ts";
import { type RequestHead, readHead } from "./headers.ts";
import { type Page, sendPage } from "./pages.ts";
import { forwardUpgrade } from "./upgrade.ts";
import { WorkerClient } from "./worker-client.ts";

/** Where a request goes. */
export type RouteResult =
  | { page: Page }
  /** Answered by troupe itself (`/cdn-cgi/…`). */
  | { answer(request: http.IncomingMessage): Promise<Page> }
  /** Not known yet: the request waits for it. */
  | { later: Promise<RouteResult> }
  | WorkerRoute;

/** To a worker. Nothing in it belongs to one request: it can be kept for the next one. */
export interface WorkerRoute {
  worker: string;
  /** A lease, if there is one at once. */
  tryAcquire(): Lease | undefined;
  acquire(): Promise<Lease>;
  /** What to tell a client when that fails. Default: the error. */
  explain?(error: Error, request: ClientRequest): Error;
  /** Headers to add to what that generation answers: name (lower case), value, name… */
  responseHeaders?(lease: Lease): readonly string[];
}

export interface AccessEntry {
  worker: string;
  method: string;
  /** As the client sent it, with the port. */
  host: string;
  /** Path with query, as the client sent it. */
  path: string;
  status: number;
  /** From the request's arrival to the end of the response. */
  ms: number;
  ray: string;
}

export interface FrontDoorOptions {
  host: string;
  /** 0: any. */
  port: number;
  tls?: https.ServerOptions;
  /** @param hostname without port, lower case */
  route(hostname: string, request: ClientRequest): RouteResult;
  onAccess?(entry: AccessEntry): void;
  /** A page instead of the bare 500 with which workerd answers after an uncaught exception; undefined: let that pass. */
  onUncaught?(ray: string, accept: string | undefined): Promise<Page | undefined>;
  /** Markup to append to every HTML page; undefined: none. */
  appendHtml?(): string | undefined;
}

export interface FrontDoor {
  port: number;
  /** Ends connections that are idle, waits up to `grace` ms for the others, then ends those too. */
  close(grace?: number): Promise<void>;
}

/** Two `Host` headers: who the request is for would depend on who reads it (RFC 9112, 3.2). */
const AMBIGUOUS: Page = { status: 400, headers: { connection: "close" }, body: "" };

/** So long a client's connection may be idle, in seconds. */
const KEEP_ALIVE = 30;

/** @throws the listen error (EADDRINUSE, EACCES…) */
export async function createFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const agent = createAgent();
  const client = new WorkerClient();
  const base = { client, agent, options };
  const serverOptions: http.ServerOptions = {
    maxHeaderSize: 128 * 1024,
    noDelay: true,
    requestTimeout: 0,
    // What it lets through is written to workerd as it is; no flag of Node's shall change that.
    insecureHTTPParser: false,
    keepAliveTimeout: KEEP_ALIVE * 1000,
  };
  const server = options.tls
    ? https.createServer({ ...serverOptions, ...options.tls })
    : http.createServer(serverOptions);
  const sockets = new Set<Duplex>();
  let closing = false;

  const send = (request: http.IncomingMessage, response: http.ServerResponse, head: RequestHead, startedAt: number) => {
    const follow = (route: RouteResult): void => {
      if ("later" in route) void route.later.then(follow);
      else if ("page" in route) sendPage(response, route.page, request.method);
      else if ("answer" in route) {
        route.answer(request).then(
          (page) => sendPage(response, page, request.method),
          (error: Error) =>
            sendPage(
              response,
              { status: 500, headers: { "content-type": "text/plain; charset=utf-8" }, body: `${error.message}\n` },
              request.method,
            ),
        );
      } else {
        const body = head.hasBody ? request : undefined;
        forwardRequest(new Exchange(base, request, head, route, startedAt), response, body);
      }
    };
    follow(options.route(hostnameOf(head.host), request));
  };

  server.on("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
    const startedAt = performance.now();
    // Later requests of a connection that is to end go to a new one.
    if (closing) response.setHeader("connection", "close");
    const head = readHead(request.rawHeaders);
    if (head.ambiguous) sendPage(response, AMBIGUOUS, request.method);
    else send(request, response, head, startedAt);
  });

  server.on("upgrade", (request: http.IncomingMessage, socket: net.Socket, first: Buffer) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // Node's server no longer looks after it.
    socket.on("error", () => socket.destroy());
    const startedAt = performance.now();
    const head = readHead(request.rawHeaders);
    if (head.ambiguous) return refuse(socket, 400);
    const follow = (route: RouteResult): void => {
      if ("later" in route) void route.later.then(follow);
      else if (!("worker" in route)) refuse(socket, 404);
      else if (!socket.destroyed) {
        void forwardUpgrade(new Exchange(base, request, head, route, startedAt), socket, first);
      }
    };
    follow(options.route(hostnameOf(head.host), request));
  });
  server.on("clientError", (_error, socket) => {
    if (socket.writable) refuse(socket, 400);
  });

  const readPlain = (): ClientConnections => {
    const nodes = server.listeners("connection") as ((socket: net.Socket) => void)[];
    const connections = new ClientConnections({
      keepAlive: KEEP_ALIVE,
      onRequest(request, reply) {
        const startedAt = performance.now();
        const head = readHead(request.rawHeaders);
        const route = options.route(hostnameOf(head.host), request);
        if (!("worker" in route)) return false;
        forwardRequest(new Exchange(base, request, head, route, startedAt), reply);
        return true;
      },
      handOver(socket) {
        for (const listener of nodes) listener.call(server, socket);
      },
    });
    server.removeAllListeners("connection");
    server.on("connection", (socket: net.Socket) => connections.add(socket));
    return connections;
  };
  const plain = options.tls ? undefined : readPlain();

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      resolve();
    });
  });

  let closed: Promise<void> | undefined;
  return {
    port: (server.address() as net.AddressInfo).port,
    close(grace = 0) {
      closed ??= (async () => {
        closing = true;
        const ended = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeIdleConnections();
        plain?.close();
        const force = setTimeout(() => {
          server.closeAllConnections();
          plain?.destroy();
          for (const socket of sockets) socket.destroy();
        }, grace);
        await ended;
        clearTimeout(force);
        client.destroy();
        await agent.destroy();
      })();
      return closed;
    },
  };
}

/** Hostnames are few. */
const hostnames = new Map<string, string>();

/** A `Host` header without port, lower case. */
function hostnameOf(host = ""): string {
  const known = hostnames.get(host);
  if (known !== undefined) return known;
  const hostname = host.replace(/\.?(:\d+)?$/, "").toLowerCase();
  // Whoever invents names shall not fill our memory.
  if (hostnames.size < 1000 && host.length < 300) hostnames.set(host, hostname);
  return hostname;
}

function refuse(socket: Duplex, status: 400 | 404): void {
  socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
