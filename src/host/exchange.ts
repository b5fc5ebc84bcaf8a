/** What the front door knows of one request that goes to a worker. */
import type { Dispatcher } from "undici";
import type { ClientRequest } from "./client-request.ts";
import type { FrontDoorOptions, WorkerRoute } from "./front-door.ts";
import { addOwnHeaders, localCf, newRay, type RequestHead } from "./headers.ts";
import type { WorkerClient } from "./worker-client.ts";

/** The same for all requests of a front door. */
export interface ExchangeBase {
  /** For requests without a body. */
  client: WorkerClient;
  /** For all others. */
  agent: Dispatcher;
  options: FrontDoorOptions;
}

export class Exchange {
  readonly base: ExchangeBase;
  readonly request: ClientRequest;
  readonly head: RequestHead;
  readonly route: WorkerRoute;
  readonly ray = newRay();
  readonly #host: string;
  readonly #startedAt: number;

  /** @param startedAt by `performance.now()` */
  constructor(base: ExchangeBase, request: ClientRequest, head: RequestHead, route: WorkerRoute, startedAt: number) {
    this.base = base;
    this.request = request;
    this.head = head;
    this.route = route;
    this.#host = head.host ?? "localhost";
    this.#startedAt = startedAt;
    // Clients of HTTP/1.0 need not name one.
    if (head.host === undefined) head.forwarded.push("Host", this.#host);
    const tls = base.options.tls !== undefined;
    addOwnHeaders(head.forwarded, {
      ray: this.ray,
      ip: request.socket.remoteAddress ?? "127.0.0.1",
      cf: localCf(request.httpVersion, tls),
    });
  }

  get options(): FrontDoorOptions {
    return this.base.options;
  }

  get method(): string {
    return this.request.method ?? "GET";
  }

  /** Absolute, as the client sees it: it becomes `request.url`. */
  get url(): string {
    const path = this.request.url ?? "/";
    const origin = `${this.options.tls ? "https" : "http"}://${this.#host}`;
    return path.startsWith("/") ? origin + path : `${origin}/${path}`;
  }

  /** It is over: tells the access log. */
  done(status: number): void {
    this.options.onAccess?.({
      worker: this.route.worker,
      method: this.method,
      host: this.#host,
      path: this.request.url ?? "/",
      status,
      ms: performance.now() - this.#startedAt,
      ray: this.ray,
    });
  }
}
