/** A server that answers like Cloudflare's API as far as deploys go: real HTTP, a checked token, and faults on purpose. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import type { TargetSelection } from "../../src/ops/target.ts";
import { ACCOUNT, ApiFault, Cloud } from "./cloud.ts";

export const TOKEN = "test-token-4f1d";

export interface Seen {
  /** Counts from 1 since `forget`. */
  number: number;
  method: string;
  /** Without `/client/v4`, with the query. */
  path: string;
}

/**
 * `before`, `after`: the connection is dropped before or after the request had its effect · `half`: it is dropped while
 * the body is still coming · a status: answered with it, without any effect.
 */
export type Fault =
  | "before"
  | "after"
  | "half"
  | { status: number; headers?: Record<string, string>; code?: number }
  | { slow: number };

export interface CloudServer {
  cloud: Cloud;
  /** For CLOUDFLARE_API_BASE_URL. */
  url: string;
  /** Every request since `forget`. */
  seen: Seen[];
  /** Asked for each request; gives what is to go wrong with it. */
  fault: ((seen: Seen) => Fault | undefined) | undefined;
  /** Asked before it: a request waits for what this gives. */
  hold: ((seen: Seen) => Promise<void> | undefined) | undefined;
  /** What a client needs in its environment. */
  env: Record<string, string>;
  /** Selects this account as the target of what is done in a folder. */
  at(cwd: string): TargetSelection;
  forget(): void;
  /** An account without anything, and a server that does what it is asked. */
  reset(): void;
  /** What those who tail have sent. */
  heard: string[];
  /** Why connections of tails were ended by the WebSocket server: they broke its protocol. */
  refused: string[];
  /** Tells everybody who tails the script. */
  tell(script: string, trace: unknown): void;
  /** Ends the connections of all tails: with a code as the network does, or without a word. */
  hangUp(code?: number): void;
  close(): Promise<void>;
}

export async function startCloud(): Promise<CloudServer> {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url!.replace(/^\/client\/v4/, "");
    result.cloud.tailUrl = `${url.replace("http:", "ws:")}/tails`;
    const seen = { number: result.seen.length + 1, method: request.method!, path };
    result.seen.push(seen);
    await result.hold?.(seen);
    const fault = result.fault?.(seen);
    if (fault === "before") return void request.socket.destroy();
    if (fault === "half")
      return void request.once("data", () => request.socket.destroy()).once("end", () => request.socket.destroy());
    const body = await bodyOf(request);
    if (typeof fault === "object" && "status" in fault) {
      const error = { code: fault.code ?? 10013, message: "workers.api.error.unknown" };
      return answer(response, fault.status, { success: false, errors: [error], result: null }, fault.headers);
    }
    if (typeof fault === "object" && "slow" in fault) await new Promise((resolve) => setTimeout(resolve, fault.slow));
    const { status, value, headers, raw } = await respond(result.cloud, request, path, body);
    if (fault === "after") return void request.socket.destroy();
    if (raw) {
      response.writeHead(status, headers);
      response.end(raw);
      return;
    }
    answer(response, status, value, headers);
  };
  const server = createServer((request, response) => {
    handle(request, response).catch((error) => {
      if (!request.socket.destroyed)
        answer(response, 500, {
          success: false,
          errors: [{ code: 1, message: `test server: ${error.stack}` }],
          result: null,
        });
    });
  });
  const sockets = new Map<string, WebSocket>();
  const trace = new WebSocketServer({
    noServer: true,
    handleProtocols: (protocols) => (protocols.has("trace-v1") ? "trace-v1" : false),
  });
  server.on("upgrade", (request, socket, head) => {
    const id = request.url!.split("/").at(-1)!;
    const isKnown = result.cloud.tails.some((tail) => tail.id === id);
    if (!isKnown || request.headers["sec-websocket-protocol"] !== "trace-v1") {
      socket.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    trace.handleUpgrade(request, socket, head, (client) => {
      sockets.set(id, client);
      client.on("close", () => sockets.delete(id));
      // Wrangler's own first message is not masked: against RFC 6455, section 5.3, and refused by this WebSocket server.
      client.on("error", (error) => result.refused.push(error.message));
      client.on("message", (data) => result.heard.push(String(data)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`;
  const result: CloudServer = {
    cloud: new Cloud(),
    url,
    seen: [],
    heard: [],
    refused: [],
    fault: undefined,
    hold: undefined,
    env: {
      CLOUDFLARE_API_BASE_URL: url,
      CLOUDFLARE_API_TOKEN: TOKEN,
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
    },
    at: (cwd) => ({
      cwd,
      processEnv: { HOME: cwd, ...result.env },
      now: () => new Date(),
      target: "cloudflare",
    }),
    forget: () => void result.seen.splice(0),
    reset() {
      result.cloud = new Cloud();
      result.fault = undefined;
      result.hold = undefined;
      result.forget();
    },
    tell(script, told) {
      for (const { id } of result.cloud.tails.filter((tail) => tail.script === script))
        sockets.get(id)?.send(typeof told === "string" ? told : JSON.stringify(told));
    },
    hangUp(code) {
      for (const socket of sockets.values()) {
        if (code === undefined) socket.terminate();
        else socket.close(code);
      }
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.values()) socket.terminate();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return result;
}

/** For the running test. */
export async function testCloud(): Promise<CloudServer> {
  const server = await startCloud();
  onTestFinished(() => server.close());
  return server;
}

interface Answer {
  status: number;
  value?: unknown;
  headers?: Record<string, string>;
  raw?: Buffer;
}

async function respond(cloud: Cloud, request: IncomingMessage, path: string, body: Buffer): Promise<Answer> {
  const { pathname, searchParams } = new URL(path, "http://test");
  const authorization = request.headers.authorization ?? "";
  const isUpload = pathname.includes("/workers/assets/upload");
  if (authorization !== `Bearer ${TOKEN}` && !isUpload) {
    return {
      status: 403,
      value: { success: false, errors: [{ code: 10000, message: "Authentication error" }], result: null },
    };
  }
  try {
    const type = request.headers["content-type"] ?? "";
    const parsed = type.startsWith("multipart/")
      ? await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData()
      : body.length > 0
        ? JSON.parse(body.toString())
        : undefined;
    const result = await cloud.handle({
      method: request.method!,
      path: pathname,
      query: searchParams,
      body: parsed,
      headers: request.headers,
    });
    if (result instanceof Response) {
      return { status: 200, raw: Buffer.from(await result.arrayBuffer()), headers: Object.fromEntries(result.headers) };
    }
    if (Array.isArray(result)) return { status: 200, value: listed(result, searchParams) };
    return { status: 200, value: { success: true, errors: [], messages: [], result } };
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    return {
      status: error.status,
      value: { success: false, errors: [{ code: error.code, message: error.message }], messages: [], result: null },
    };
  }
}

function listed(all: unknown[], query: URLSearchParams) {
  const page = Number(query.get("page") ?? 1) || 1;
  const size = Number(query.get("per_page") ?? 1000);
  const result = all.slice((page - 1) * size, page * size);
  const result_info = {
    page,
    per_page: size,
    count: result.length,
    total_count: all.length,
    total_pages: Math.max(1, Math.ceil(all.length / size)),
  };
  return { success: true, errors: [], messages: [], result, result_info };
}

function answer(response: ServerResponse, status: number, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(value));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
