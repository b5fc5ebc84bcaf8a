/** Requests of the plainest kind, and nothing else: what it takes to read them is little, and leaves no doubt. */
import type http from "node:http";
import type { ClientRequest } from "./client-request.ts";
import { fieldValue, headerOf } from "./headers.ts";

/**
 * A whole head: a method that needs no body, a path, HTTP/1.1, and headers as RFC 9112 has them (section 5), in printable
 * characters and without folded lines. Every part of it begins where nothing of the part before it may stand, so that
 * matching takes one pass.
 */
const HEAD =
  /^(GET|HEAD|OPTIONS|DELETE) (\/[!"$-~]*) HTTP\/1\.1\r\n(?:[!#$%&'*+\-.^_`|~\dA-Za-z]+:[\t -~\x80-\xff]*\r\n)+\r\n$/;

/** Headers that change how a message is read, or what becomes of its connection. */
const NOT_SIMPLE = new Set(["content-length", "transfer-encoding", "upgrade", "expect", "trailer", "http2-settings"]);

export class SimpleRequest implements ClientRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion = "1.1";
  readonly rawHeaders: string[];
  readonly socket: ClientRequest["socket"];

  private constructor(method: string, url: string, rawHeaders: string[], socket: ClientRequest["socket"]) {
    this.method = method;
    this.url = url;
    this.rawHeaders = rawHeaders;
    this.socket = socket;
  }

  /**
   * @param text Latin-1
   * @returns undefined unless this is one request, whole, with one `Host`, without a body, and asks for nothing special
   */
  static read(text: string, socket: ClientRequest["socket"]): SimpleRequest | undefined {
    const [, method, url] = HEAD.exec(text) ?? [];
    if (url === undefined) return undefined;
    const headers: string[] = [];
    let hosts = 0;
    const end = text.length - 2;
    for (let at = text.indexOf("\r\n") + 2; at < end; ) {
      const colon = text.indexOf(":", at);
      const stop = text.indexOf("\r\n", colon);
      const name = text.slice(at, colon);
      const value = fieldValue(text, colon + 1, stop);
      const lower = name.toLowerCase();
      if (lower === "host") hosts++;
      else if (NOT_SIMPLE.has(lower)) return undefined;
      else if (lower === "connection" && value.toLowerCase() !== "keep-alive") return undefined;
      headers.push(name, value);
      at = stop + 2;
    }
    return hosts === 1 ? new SimpleRequest(method!, url, headers, socket) : undefined;
  }

  get headers(): http.IncomingHttpHeaders {
    const names = new Set(this.rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()));
    return Object.fromEntries([...names].map((name) => [name, headerOf(this.rawHeaders, name)]));
  }
}
