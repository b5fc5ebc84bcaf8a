/** WebSockets (and any other upgrade) through the front door. */
import type http from "node:http";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import type { Lease } from "../runtime/types.ts";
import type { Exchange } from "./front-door.ts";
import { responseHeaders } from "./headers.ts";

/** A WebSocket close frame with code 1012, "service restart" (RFC 6455, 5.5.1; registered codes of IANA). */
const SERVICE_RESTART = Buffer.from([0x88, 0x02, 0x03, 0xf4]);

export async function forwardUpgrade(
  exchange: Exchange,
  request: http.IncomingMessage,
  client: Duplex,
  head: Buffer,
): Promise<void> {
  client.on("error", () => client.destroy());
  let lease: Lease;
  try {
    lease = await exchange.route.acquire();
  } catch {
    client.end("HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    exchange.done(502);
    return;
  }
  let controller: Dispatcher.DispatchController | undefined;
  client.once("close", () => {
    lease.release();
    controller?.abort(new Error("client is gone"));
  });
  exchange.dispatcher.dispatch(
    {
      origin: lease.url.origin,
      path: exchange.url,
      method: request.method as Dispatcher.HttpMethod,
      headers: exchange.headers,
      upgrade: request.headers.upgrade ?? "websocket",
    },
    {
      onRequestStart(started) {
        controller = started;
      },
      onRequestUpgrade(_controller, statusCode, headers, upstream) {
        exchange.done(statusCode);
        const own = {
          ...responseHeaders(headers),
          ...exchange.route.responseHeaders?.(lease),
          connection: "Upgrade",
          upgrade: request.headers.upgrade ?? "websocket",
        };
        client.write(responseHead(statusCode, own));
        if (head.length > 0) upstream.write(head);
        join(client, upstream, lease.retiring);
      },
      onResponseStart(_controller, statusCode, headers) {
        exchange.done(statusCode);
        client.write(responseHead(statusCode, { ...responseHeaders(headers), connection: "close" }));
      },
      onResponseData(_controller, chunk) {
        client.write(chunk);
      },
      onResponseEnd() {
        client.end();
      },
      onResponseError() {
        client.destroy();
      },
    },
  );
}

/** Pipes both ways until one side ends, or the generation retires: then the client is told to come back. */
function join(client: Duplex, upstream: Duplex, retiring: AbortSignal): void {
  const onRetiring = (): void => {
    upstream.unpipe(client);
    client.end(SERVICE_RESTART);
    upstream.destroy();
  };
  const end = (): void => {
    retiring.removeEventListener("abort", onRetiring);
    upstream.destroy();
    client.destroy();
  };
  upstream.on("error", end);
  upstream.once("close", () => {
    retiring.removeEventListener("abort", onRetiring);
    client.end();
  });
  client.once("close", end);
  client.pipe(upstream);
  upstream.pipe(client);
  if (retiring.aborted) onRetiring();
  else retiring.addEventListener("abort", onRetiring, { once: true });
}

function responseHead(status: number, headers: Record<string, string | string[]>): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`];
  for (const [name, value] of Object.entries(headers))
    for (const each of [value].flat()) lines.push(`${name}: ${each}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}
