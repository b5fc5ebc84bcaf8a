/** Answers to requests of the plainest kind, with as few writes as can be. */
import { STATUS_CODES } from "node:http";
import type net from "node:net";
import type { Reply } from "./reply.ts";

/** What a reply leaves by. */
export interface ReplyChannel {
  readonly socket: net.Socket;
  /** This is to be the last reply. */
  readonly closing: boolean;
  /** What clients are told: so long the connection may be idle afterwards. In seconds. */
  readonly keepAlive: number;
  /** All of it has left. */
  done(): void;
}

/** Its headers are written as they are: those who read them from workerd have checked them. */
export class SimpleReply implements Reply {
  readonly #channel: ReplyChannel;
  readonly #isHead: boolean;
  headersSent = false;
  writableFinished = false;
  destroyed = false;
  /** What has not left yet, to the last header. */
  #head = "";
  #hasBody = true;
  #hasLength = false;
  #isChunked = false;
  #onClose: (() => void) | undefined;
  #onDrain: (() => void) | undefined;

  /** @param method of the request */
  constructor(channel: ReplyChannel, method: string) {
    this.#channel = channel;
    this.#isHead = method === "HEAD";
  }

  get socket(): net.Socket {
    return this.#channel.socket;
  }

  on(_event: "close", listener: () => void): void {
    this.#onClose = listener;
  }

  once(_event: "drain", listener: () => void): void {
    this.#onDrain = listener;
  }

  writeHead(status: number, headers: string[]): void {
    const { closing, keepAlive } = this.#channel;
    this.headersSent = true;
    this.#hasBody = !this.#isHead && status !== 204 && status !== 304;
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "unknown"}\r\n`;
    let hasDate = false;
    for (let at = 0; at < headers.length; at += 2) {
      const name = headers[at]!;
      if (name.length === 14 && name.toLowerCase() === "content-length") this.#hasLength = true;
      else if (name.length === 4 && name.toLowerCase() === "date") hasDate = true;
      head += `${name}: ${headers[at + 1]}\r\n`;
    }
    if (!hasDate) head += `Date: ${httpDate()}\r\n`;
    this.#head =
      head + (closing ? "Connection: close\r\n" : `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAlive}\r\n`);
  }

  flushHeaders(): void {
    if (this.#head === "") return;
    this.#isChunked = this.#hasBody && !this.#hasLength;
    this.socket.write(this.#takeHead(this.#isChunked ? "Transfer-Encoding: chunked\r\n" : ""), "latin1");
  }

  write(chunk: Buffer): boolean {
    if (this.destroyed || this.writableFinished) return false;
    if (!this.#hasBody || chunk.length === 0) return true;
    const { socket } = this;
    socket.cork();
    this.flushHeaders();
    if (this.#isChunked) socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
    let isTaken = socket.write(chunk);
    if (this.#isChunked) isTaken = socket.write("\r\n", "latin1");
    socket.uncork();
    return isTaken;
  }

  end(body: string | Buffer = "", encoding?: "latin1"): void {
    if (this.destroyed || this.writableFinished) return;
    const isBytes = typeof body !== "string" || encoding === "latin1";
    const rest = isBytes ? body : Buffer.from(body);
    if (this.#head === "") this.#endStream(rest);
    else this.#endAtOnce(rest);
    this.writableFinished = true;
    this.#channel.done();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** The client takes more. */
  drained(): void {
    const listener = this.#onDrain;
    this.#onDrain = undefined;
    listener?.();
  }

  /** The client is gone. */
  lost(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#onClose?.();
  }

  /** @param more a last header */
  #takeHead(more: string): string {
    const head = `${this.#head}${more}\r\n`;
    this.#head = "";
    return head;
  }

  /** @param body text: Latin-1 */
  #endAtOnce(body: string | Buffer): void {
    const { socket } = this;
    const head = this.#takeHead(this.#hasBody && !this.#hasLength ? `Content-Length: ${body.length}\r\n` : "");
    if (!this.#hasBody || body.length === 0) socket.write(head, "latin1");
    else if (typeof body === "string") socket.write(head + body, "latin1");
    else {
      socket.cork();
      socket.write(head, "latin1");
      socket.write(body);
      socket.uncork();
    }
  }

  /** @param rest text: Latin-1 */
  #endStream(rest: string | Buffer): void {
    if (rest.length > 0) this.write(typeof rest === "string" ? Buffer.from(rest, "latin1") : rest);
    if (this.#isChunked) this.socket.write("0\r\n\r\n", "latin1");
  }
}

let date = "";
let dateOf = 0;

/** The time as HTTP has it (RFC 9110, 5.6.7): the same for a whole second. */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateOf) {
    date = new Date(second * 1000).toUTCString();
    dateOf = second;
  }
  return date;
}
