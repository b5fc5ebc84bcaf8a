/** The control API: how another troupe on this machine asks the running one to do something. Loopback, with a token. */
import { randomBytes, timingSafeEqual } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { TroupeError } from "../errors.ts";

export interface ControlRequest {
  method: string;
  /** Path of the request, without its query. */
  path: string;
  headers: http.IncomingHttpHeaders;
  body: Uint8Array;
}

export interface ControlResponse {
  headers?: Record<string, string>;
  body: string | Uint8Array;
}

export interface Control {
  /** Base URL. */
  url: string;
  /** To be sent as `Authorization: Bearer`. */
  token: string;
  close(): Promise<void>;
}

export interface ControlOptions {
  /** 0: any. */
  port?: number;
  /** Answers what may be asked without the token; undefined: nothing of that kind. */
  open?(request: Pick<ControlRequest, "method" | "path">): Promise<ControlResponse> | undefined;
}

/**
 * @param handle answers a request, or throws: a TroupeError reaches the caller as it is
 * @throws the listen error (EADDRINUSE…)
 */
export async function startControl(
  handle: (request: ControlRequest) => Promise<ControlResponse>,
  options: ControlOptions = {},
): Promise<Control> {
  const token = randomBytes(24).toString("base64url");
  const server = http.createServer(async (request, response) => {
    const send = (status: number, body: string | Uint8Array, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(body);
    };
    const refuse = (status: number, code: string, message: string, notes: string[] = []): void =>
      send(status, JSON.stringify({ error: { code, message, notes } }));
    const method = request.method ?? "GET";
    const path = (request.url ?? "/").split("?", 1)[0]!;
    try {
      const open = options.open?.({ method, path });
      if (open) {
        const { body, headers } = await open;
        return send(200, body, headers);
      }
      if (!hasToken(request, token)) return refuse(401, "AUTH", "The token is missing or wrong");
      const chunks: Uint8Array[] = [];
      for await (const chunk of request) chunks.push(chunk as Uint8Array);
      const answer = await handle({ method, path, headers: request.headers, body: Buffer.concat(chunks) });
      send(200, answer.body, answer.headers);
    } catch (error) {
      if (error instanceof TroupeError) refuse(409, error.code, error.message, error.notes);
      else refuse(500, "INTERNAL", String((error as Error).message ?? error));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Compared in constant time: how long a wrong token takes says nothing about the right one. */
function hasToken(request: http.IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? "");
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
