/// <reference path="./undici-agent.d.ts" />
/** Our HTTP front door: takes requests for all hostnames and hands them to workerd's own sockets. */
import http from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import Agent from "undici/lib/dispatcher/agent.js";
import type { Lease } from "../runtime/types.ts";
import { forwardRequest } from "./forward.ts";
import { forwardedHeaders, localCf, newRay } from "./headers.ts";
import type { Page } from "./pages.ts";
import { forwardUpgrade } from "./upgrade.ts";

/** Where a request goes. */
export type RouteResult =
  | { page: Page }
  /** Answered by troupe itself (`/cdn-cgi/…`). */
  | { answer(request: http.IncomingMessage): Promise<Page> }
  | {
      worker: string;
      acquire(): Promise<Lease>;
      /** Headers to add to what that generation answers. */
      responseHeaders?(lease: Lease): Record<string, string>;
    };

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
  route(hostname: string, request: http.IncomingMessage): RouteResult;
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

/** What one exchange needs, made once per request. */
export interface Exchange {
  dispatcher: Dispatcher;
  route: Extract<RouteResult, { worker: string }>;
  ray: string;
  /** Absolute, as the client sees it: it becomes `request.url`. */
  url: string;
  headers: string[];
  options: FrontDoorOptions;
  done(status: number): void;
}

/** @throws the listen error (EADDRINUSE, EACCES…) */
export async function createFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  // workerd's sockets are on loopback and keep-alive is theirs to end; bodies may take as long as they like.
  const dispatcher = new Agent({
    connections: 256,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
  });
  const serverOptions: http.ServerOptions = {
    maxHeaderSize: 128 * 1024,
    noDelay: true,
    requestTimeout: 0,
    keepAliveTimeout: 30_000,
  };
  const server = options.tls
    ? https.createServer({ ...serverOptions, ...options.tls })
    : http.createServer(serverOptions);
  const sockets = new Set<Duplex>();
  let closing = false;

  server.on("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
    const startedAt = performance.now();
    // Later requests of a connection that is to end go to a new one.
    if (closing) response.setHeader("connection", "close");
    const route = options.route(hostnameOf(request), request);
    if ("page" in route) return sendPage(response, route.page, request.method);
    if ("answer" in route) {
      route.answer(request).then(
        (page) => sendPage(response, page, request.method),
        (error: Error) =>
          sendPage(
            response,
            { status: 500, headers: { "content-type": "text/plain; charset=utf-8" }, body: `${error.message}\n` },
            request.method,
          ),
      );
      return;
    }
    void forwardRequest(exchange(request, route, startedAt), request, response);
  });

  server.on("upgrade", (request: http.IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const startedAt = performance.now();
    const route = options.route(hostnameOf(request), request);
    if (!("worker" in route)) {
      socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    void forwardUpgrade(exchange(request, route, startedAt), request, socket, head);
  });
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });

  function exchange(request: http.IncomingMessage, route: Exchange["route"], startedAt: number): Exchange {
    const ray = newRay();
    const tls = options.tls !== undefined;
    const cf = localCf({ httpVersion: request.httpVersion, tls });
    const method = request.method ?? "GET";
    const path = request.url ?? "/";
    const host = request.headers.host ?? "localhost";
    return {
      dispatcher,
      route,
      ray,
      url: `${tls ? "https" : "http"}://${host}${path.startsWith("/") ? path : `/${path}`}`,
      headers: forwardedHeaders(request.rawHeaders, { ray, ip: request.socket.remoteAddress ?? "127.0.0.1", cf }),
      options,
      done(status) {
        options.onAccess?.({
          worker: route.worker,
          method,
          host,
          path,
          status,
          ms: performance.now() - startedAt,
          ray,
        });
      },
    };
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      resolve();
    });
  });

  let closed: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    close(grace = 0) {
      closed ??= (async () => {
        closing = true;
        const ended = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeIdleConnections();
        const force = setTimeout(() => {
          server.closeAllConnections();
          for (const socket of sockets) socket.destroy();
        }, grace);
        await ended;
        clearTimeout(force);
        await dispatcher.destroy();
      })();
      return closed;
    },
  };
}

function hostnameOf(request: http.IncomingMessage): string {
  return (request.headers.host ?? "").replace(/\.?(:\d+)?$/, "").toLowerCase();
}

export function sendPage(response: http.ServerResponse, page: Page, method: string | undefined): void {
  response.writeHead(page.status, { ...page.headers, "content-length": Buffer.byteLength(page.body) });
  response.end(method === "HEAD" ? undefined : page.body);
}
