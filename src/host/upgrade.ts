/** WebSockets (and any other upgrade) through the front door. */
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import type { Lease } from "../runtime/types.ts";
import type { Exchange } from "./exchange.ts";
import { responseHeaders } from "./headers.ts";

/** A WebSocket close frame with code 1012, "service restart" (RFC 6455, 5.5.1; registered codes of IANA). */
const SERVICE_RESTART = Buffer.from([0x88, 0x02, 0x03, 0xf4]);

/** A client has this long to answer a close frame, in ms. */
const GOODBYE = 2_000;

/** @param first what the client sent behind its head */
export async function forwardUpgrade(exchange: Exchange, client: Duplex, first: Buffer): Promise<void> {
  const { base, head, request, route } = exchange;
  let lease: Lease;
  try {
    lease = await route.acquire();
  } catch {
    client.end("HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    exchange.done(502);
    return;
  }
  let abort: ((error?: Error) => void) | undefined;
  client.once("close", () => {
    lease.release();
    abort?.(new Error("client is gone"));
  });
  const protocol = request.headers.upgrade ?? "websocket";
  base.agent.dispatch(
    {
      origin: lease.origin,
      path: exchange.url,
      method: exchange.method as Dispatcher.HttpMethod,
      headers: head.forwarded,
      upgrade: protocol,
    },
    {
      onConnect(given) {
        abort = given;
      },
      onUpgrade(status, raw, upstream) {
        exchange.done(status);
        const headers = responseHeaders(texts(raw as Buffer[]), route.responseHeaders?.(lease));
        client.write(responseHead(status, [...headers, "connection", "Upgrade", "upgrade", protocol]));
        if (first.length > 0) upstream.write(first);
        join(client, upstream, lease);
      },
      onHeaders(status, raw) {
        exchange.done(status);
        client.write(responseHead(status, [...responseHeaders(texts(raw)), "connection", "close"]));
        return true;
      },
      onData(chunk) {
        client.write(chunk);
        return true;
      },
      onComplete() {
        client.end();
      },
      onError() {
        client.destroy();
      },
    },
  );
}

/** Pipes both ways until one side ends, or the generation retires: then the client is told to come back. */
function join(client: Duplex, upstream: Duplex, lease: Lease): void {
  const { retiring } = lease;
  const onRetiring = (): void => {
    upstream.unpipe(client);
    client.end(SERVICE_RESTART);
    upstream.destroy();
    lease.release();
    // What it still says goes nowhere, but has to be read: its own goodbye comes behind that.
    client.unpipe(upstream);
    client.resume();
    setTimeout(() => client.destroy(), GOODBYE).unref();
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

function texts(raw: readonly Buffer[]): string[] {
  return raw.map((part) => part.toString("latin1"));
}

/** @param headers flat */
function responseHead(status: number, headers: readonly string[]): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`];
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}
