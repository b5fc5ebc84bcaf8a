/** One request through the front door: streamed both ways, tried again where that is safe, errors made readable. */
import type http from "node:http";
import type { Dispatcher } from "undici";
import type { Lease } from "../runtime/types.ts";
import { type Exchange, sendPage } from "./front-door.ts";
import { responseHeaders } from "./headers.ts";
import { errorPage, type Page } from "./pages.ts";

/** Safe to send twice (RFC 9110, 9.2.2), as long as there is no body that was read away. */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** A process that was replaced or crashed is back within this many tries, each after a short wait. */
const TRIES = 20;
const WAIT = 50;

/** The body with which workerd answers 500 after an uncaught exception. */
const UNCAUGHT = "Internal Server Error";

export async function forwardRequest(
  exchange: Exchange,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const hasBody =
    request.headers["content-length"] !== undefined
      ? request.headers["content-length"] !== "0"
      : request.headers["transfer-encoding"] !== undefined;
  const repeatable = !hasBody && IDEMPOTENT.has(request.method ?? "GET");
  for (let attempt = 1; ; attempt++) {
    let lease: Lease;
    try {
      lease = await exchange.route.acquire();
    } catch (error) {
      finish(exchange, response, request, unreachable(exchange, error as Error, request.headers.accept));
      return;
    }
    const outcome = await dispatchOnce(exchange, lease, request, response, hasBody).finally(() => lease.release());
    if (outcome === "done") return;
    // Nothing was sent to the client yet. Ours to repeat only if the Worker can't have acted on it, or may do so twice.
    const neverSent = (outcome as NodeJS.ErrnoException).code === "ECONNREFUSED";
    if ((repeatable || (neverSent && !hasBody)) && attempt < TRIES && !response.destroyed) {
      await new Promise((resolve) => setTimeout(resolve, WAIT));
      continue;
    }
    finish(exchange, response, request, unreachable(exchange, outcome, request.headers.accept));
    return;
  }
}

/** @returns "done", or the error when nothing of a response was seen */
function dispatchOnce(
  exchange: Exchange,
  lease: Lease,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  hasBody: boolean,
): Promise<"done" | Error> {
  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | undefined;
    let status = 0;
    let append: string | undefined;
    /** Set while a response looks like workerd's own 500: it is held back, being small, until it is known. */
    let held: { headers: Record<string, string | string[]>; body: string } | undefined;
    const onClientGone = (): void => {
      if (!response.writableFinished) controller?.abort(new Error("client is gone"));
    };
    response.once("close", onClientGone);
    const onEnded = (): void => controller?.abort(new Error("its code was replaced"));
    lease.ended.addEventListener("abort", onEnded, { once: true });
    const settle = (result: "done" | Error): void => {
      response.off("close", onClientGone);
      lease.ended.removeEventListener("abort", onEnded);
      if (result === "done") exchange.done(status);
      resolve(result);
    };

    exchange.dispatcher.dispatch(
      {
        origin: lease.url.origin,
        // Absolute, so that the Worker sees the very URL of the client, with scheme and host.
        path: exchange.url,
        method: request.method as Dispatcher.HttpMethod,
        headers: exchange.headers,
        body: hasBody ? request : null,
      },
      {
        onRequestStart(started) {
          controller = started;
        },
        onResponseStart(_controller, statusCode, rawHeaders) {
          // Informational responses are between us and workerd.
          if (statusCode < 200) return;
          status = statusCode;
          const headers = { ...responseHeaders(rawHeaders), ...exchange.route.responseHeaders?.(lease) };
          if (
            statusCode === 500 &&
            headers["content-type"] === undefined &&
            headers["content-length"] === String(UNCAUGHT.length) &&
            exchange.options.onUncaught
          ) {
            held = { headers, body: "" };
            return;
          }
          append = request.method !== "HEAD" && isPlainHtml(headers) ? exchange.options.appendHtml?.() : undefined;
          if (append !== undefined) delete headers["content-length"];
          // What has arrived in one piece leaves in one piece…
          const { socket } = response;
          socket?.cork();
          process.nextTick(() => socket?.uncork());
          response.writeHead(statusCode, headers);
          // …but streams (SSE) must show their headers before their first chunk.
          response.flushHeaders();
        },
        onResponseData(started, chunk) {
          if (held) {
            held.body += chunk.toString("latin1");
            return;
          }
          if (!response.write(chunk)) {
            started.pause();
            response.once("drain", () => started.resume());
          }
        },
        onResponseEnd() {
          if (held) {
            void uncaughtOr(exchange, held, request).then((page) => {
              finishPage(response, page, request.method);
              settle("done");
            });
            return;
          }
          response.end(append);
          settle("done");
        },
        onResponseError(_controller, error) {
          if (response.destroyed) {
            status ||= 499;
            settle("done");
          } else if (response.headersSent) {
            // Half a response must not look like a whole one.
            response.destroy();
            settle("done");
          } else {
            settle(error);
          }
        },
      },
    );
  });
}

async function uncaughtOr(
  exchange: Exchange,
  held: { headers: Record<string, string | string[]>; body: string },
  request: http.IncomingMessage,
): Promise<Page> {
  const asIs: Page = { status: 500, headers: held.headers as Record<string, string>, body: held.body };
  if (held.body !== UNCAUGHT && request.method !== "HEAD") return asIs;
  return (await exchange.options.onUncaught?.(exchange.ray, request.headers.accept)) ?? asIs;
}

function isPlainHtml(headers: Record<string, string | string[]>): boolean {
  return /^text\/html\b/.test(String(headers["content-type"] ?? "")) && headers["content-encoding"] === undefined;
}

function unreachable(exchange: Exchange, error: Error, accept: string | undefined): Page {
  const title = "The service could not be reached";
  return errorPage({ title, service: exchange.route.worker, items: [{ message: error.message }] }, 502, accept);
}

function finish(exchange: Exchange, response: http.ServerResponse, request: http.IncomingMessage, page: Page): void {
  finishPage(response, page, request.method);
  exchange.done(page.status);
}

function finishPage(response: http.ServerResponse, page: Page, method: string | undefined): void {
  if (!response.destroyed && !response.headersSent) sendPage(response, page, method);
}
