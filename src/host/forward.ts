/**
 * One request through the front door: streamed both ways, tried again where that is safe, errors made readable.
 * Nearly all requests have a graph that runs and an answer that comes in one piece: for them, no promise is made and one
 * write is done in each direction.
 */
import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { Holder } from "../runtime/exchanges.ts";
import type { Lease } from "../runtime/types.ts";
import type { AnswerHandler, Sent } from "./answers.ts";
import { sendWithBody } from "./body-client.ts";
import type { Exchange } from "./exchange.ts";
import { headerOf, requestText, responseHeaders } from "./headers.ts";
import { errorPage, type Page, sendPage } from "./pages.ts";
import type { Reply } from "./reply.ts";

/** Safe to send twice (RFC 9110, 9.2.2), as long as there is no body that was read away. */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** How a connection fails when its process is gone or not there yet; so fails a Unix socket without its file. */
const NOBODY_THERE = new Set(["ECONNREFUSED", "ENOENT"]);

/** A process that crashed is started again: asked after short waits for so long, in ms, which on a busy machine it may take. */
const PATIENCE = 10_000;
const WAIT = 50;

/** A request that may have been acted on, and is safe to repeat, is sent so often at most. */
const TRIES = 20;

/** The body with which workerd answers 500 after an uncaught exception. */
const UNCAUGHT = "Internal Server Error";

/** A body up to this many bytes goes out as text, which Node puts into one string, and one write, with the head. */
const SMALL = 16 * 1024;

/** @param body of the request, unless it has none */
export function forwardRequest(exchange: Exchange, response: Reply, body?: Readable): void {
  new Forwarding(exchange, response, body).start();
}

interface Head {
  status: number;
  headers: string[];
}

/** Also the handler of the answer: one object for all. */
class Forwarding implements AnswerHandler, Holder {
  readonly #exchange: Exchange;
  readonly #response: Reply;
  readonly #body: Readable | undefined;
  #attempts = 0;
  /** When first nobody was there. */
  #aloneSince = 0;
  #lease: Lease | undefined;
  #sent: Sent | undefined;
  #status = 0;
  /** The head of an answer that was not written yet, and what has come of its body. */
  #head: Head | undefined;
  #chunks: Buffer[] = [];
  /** It looks like workerd's own 500: held back, being small, until it is known. */
  #held = false;
  /** The client takes no more just now. */
  #full = false;
  /** Markup to go behind the body. */
  #append: string | undefined;

  constructor(exchange: Exchange, response: Reply, body: Readable | undefined) {
    this.#exchange = exchange;
    this.#response = response;
    this.#body = body;
  }

  start(): void {
    this.#response.on("close", () => {
      if (!this.#response.writableFinished) this.#abort("client is gone");
    });
    this.#attempt();
  }

  #attempt(): void {
    this.#attempts++;
    const { route } = this.#exchange;
    const lease = route.tryAcquire();
    if (lease) this.#dispatch(lease);
    else {
      route.acquire().then(
        (late) => this.#dispatch(late),
        (error: Error) => this.#finish(this.#unreachable(error)),
      );
    }
  }

  #dispatch(lease: Lease): void {
    this.#lease = lease;
    lease.holder = this;
    const { base, url, method, head } = this.#exchange;
    if (!this.#body) {
      base.client.send(lease.origin, method, requestText(method, url, head.forwarded), this);
      return;
    }
    sendWithBody(
      base.agent,
      {
        origin: lease.origin,
        path: url,
        method: method as Dispatcher.HttpMethod,
        headers: head.forwarded,
        body: this.#body,
      },
      this,
    );
  }

  onSent(sent: Sent): void {
    this.#sent = sent;
    // It may have gone while the process was being started.
    if (this.#response.destroyed) this.#abort("client is gone");
  }

  onHead(status: number, raw: readonly string[]): void {
    const { route, options } = this.#exchange;
    this.#status = status;
    const headers = responseHeaders(raw, route.responseHeaders?.(this.#lease!));
    this.#head = { status, headers };
    if (status === 500 && options.onUncaught && isBareError(headers)) {
      this.#held = true;
      return;
    }
    if (options.appendHtml && this.#exchange.method !== "HEAD" && isPlainHtml(headers)) {
      this.#append = options.appendHtml();
      if (this.#append !== undefined) without(headers, "content-length");
    }
  }

  onBody(chunk: Buffer): boolean {
    if (this.#head) {
      this.#chunks.push(chunk);
      return true;
    }
    return this.#write(chunk);
  }

  /** What has come in one piece leaves in one piece, but streams (SSE) must show their headers before their first chunk. */
  onRest(): void {
    const head = this.#head;
    const response = this.#response;
    if (!head || this.#held || response.destroyed) return;
    this.#head = undefined;
    try {
      response.writeHead(head.status, head.headers);
    } catch (error) {
      this.#abort((error as Error).message);
      return;
    }
    const { socket } = response;
    socket?.cork();
    response.flushHeaders();
    for (const chunk of this.#chunks) this.#write(chunk);
    this.#chunks = [];
    socket?.uncork();
  }

  onEnd(): void {
    if (this.#held) {
      void this.#explain(this.#head!);
      return;
    }
    if (this.#head) this.#writeAll(this.#head);
    else if (this.#append === undefined) this.#response.end();
    else this.#response.end(this.#append);
    this.#done(this.#status);
  }

  onError(error: Error): void {
    const response = this.#response;
    if (response.destroyed) {
      this.#done(this.#status || 499);
    } else if (response.headersSent) {
      // Half a response must not look like a whole one.
      response.destroy();
      this.#done(this.#status);
    } else {
      this.#failed(error);
    }
  }

  /** The answer is here to its end. */
  #writeAll({ status, headers }: Head): void {
    const response = this.#response;
    const chunks = this.#chunks;
    this.#head = undefined;
    if (this.#append !== undefined) chunks.push(Buffer.from(this.#append));
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    // Its length is known by now, which costs less than sending it in chunks.
    if (body.length > 0 && headerOf(headers, "content-length") === undefined) {
      headers.push("content-length", String(body.length));
    }
    response.writeHead(status, headers);
    if (body.length === 0) response.end();
    else if (body.length <= SMALL) response.end(body.toString("latin1"), "latin1");
    else response.end(body);
  }

  /** @returns whether there may be more */
  #write(chunk: Buffer): boolean {
    if (this.#response.write(chunk)) return !this.#full;
    if (!this.#full) {
      this.#full = true;
      this.#response.once("drain", () => {
        this.#full = false;
        this.#sent?.resume(this);
      });
    }
    return false;
  }

  /** Nothing was sent to the client yet. Ours to repeat only if the Worker can't have acted on it, or may do so twice. */
  #failed(error: Error): void {
    this.#release();
    const neverSent = NOBODY_THERE.has((error as NodeJS.ErrnoException).code ?? "");
    const repeatable = !this.#body && (neverSent || IDEMPOTENT.has(this.#exchange.method));
    if (!repeatable || this.#isEnough(neverSent)) {
      this.#finish(this.#unreachable(error));
      return;
    }
    this.#head = undefined;
    this.#held = false;
    this.#chunks = [];
    setTimeout(() => {
      if (this.#response.destroyed) this.#done(499);
      else this.#attempt();
    }, WAIT);
  }

  #isEnough(neverSent: boolean): boolean {
    if (!neverSent) return this.#attempts >= TRIES;
    this.#aloneSince ||= performance.now();
    return performance.now() - this.#aloneSince > PATIENCE;
  }

  /** A page for what was held back, if it is what it looked like and there is one. */
  async #explain(head: Head): Promise<void> {
    const { options, ray } = this.#exchange;
    const isUncaught = this.#exchange.method === "HEAD" || Buffer.concat(this.#chunks).toString("latin1") === UNCAUGHT;
    const page = isUncaught ? await options.onUncaught?.(ray, this.#exchange.request.headers.accept) : undefined;
    if (page) {
      this.#finish(page);
      return;
    }
    this.#writeAll(head);
    this.#done(head.status);
  }

  #unreachable(error: Error): Page {
    const { route } = this.#exchange;
    const told = route.explain?.(error, this.#exchange.request) ?? error;
    const title = "The service could not be reached";
    const { accept } = this.#exchange.request.headers;
    return errorPage({ title, service: route.worker, items: [{ message: told.message }] }, 502, accept);
  }

  #finish(page: Page): void {
    const response = this.#response;
    if (!response.destroyed && !response.headersSent) sendPage(response, page, this.#exchange.method);
    this.#done(page.status);
  }

  #done(status: number): void {
    this.#release();
    this.#exchange.done(status);
  }

  /** Called by the lease: the code was replaced long enough ago. */
  cut(): void {
    this.#abort("its code was replaced");
  }

  #abort(reason: string): void {
    this.#sent?.abort(this, new Error(reason));
  }

  #release(): void {
    const lease = this.#lease;
    this.#lease = undefined;
    this.#sent = undefined;
    lease?.release();
  }
}

function isBareError(headers: readonly string[]): boolean {
  return (
    headerOf(headers, "content-type") === undefined && headerOf(headers, "content-length") === String(UNCAUGHT.length)
  );
}

function isPlainHtml(headers: readonly string[]): boolean {
  return (
    /^text\/html\b/.test(headerOf(headers, "content-type") ?? "") && headerOf(headers, "content-encoding") === undefined
  );
}

function without(headers: string[], lower: string): void {
  for (let at = headers.length - 2; at >= 0; at -= 2) if (headers[at]!.toLowerCase() === lower) headers.splice(at, 2);
}
