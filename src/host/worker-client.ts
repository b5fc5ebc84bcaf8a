/**
 * Our way to workerd for requests without a body, nearly all there are: over kept connections, one write for a request, and
 * an answer that comes in one piece is handed on in the moment it is read. A client for all cases takes as long for that
 * as the Worker does. Bodies and upgrades go through undici.
 */
import net from "node:net";
import { endpointOf } from "../lib/unix-origin.ts";
import { AnswerParser } from "./answer-parser.ts";
import type { AnswerHandler, Sent } from "./answers.ts";

/**
 * workerd ends connections that were idle for 15 s: given up before that, none is used in the moment of its end. They are
 * looked at this often, in ms, and leave the second time.
 */
const SWEEP = 5_000;

/** What is read at a time. All connections share it: nothing of it is kept when the next one reads. */
const READ = 64 * 1024;

export class WorkerClient {
  readonly #connections = new Set<Connection>();
  /** Of each origin, the one used last at the end: the others may leave. */
  readonly #idle = new Map<string, Connection[]>();
  readonly #buffer = Buffer.allocUnsafeSlow(READ);
  readonly #timer = setInterval(() => this.#sweep(), SWEEP).unref();

  /**
   * @param origin of a socket of workerd
   * @param head of a request without a body, to the empty line; Latin-1
   */
  send(origin: string, method: string, head: string, handler: AnswerHandler): void {
    const idle = this.#idle.get(origin);
    let connection = idle?.pop();
    // One that has ended is in the list until the event loop comes to telling so.
    while (connection && !connection.usable) connection = idle!.pop();
    (connection ?? this.#connect(origin)).send(method, head, handler);
  }

  /** Ends all connections; what still runs gets `onError`. */
  destroy(): void {
    clearInterval(this.#timer);
    for (const connection of this.#connections) connection.destroy();
  }

  #connect(origin: string): Connection {
    const connection = new Connection(origin, this.#buffer, () => {
      const idle = this.#idle.get(origin) ?? [];
      this.#idle.set(origin, idle);
      idle.push(connection);
    });
    this.#connections.add(connection);
    connection.onClosed = () => {
      this.#connections.delete(connection);
      const idle = this.#idle.get(origin);
      const at = idle?.indexOf(connection) ?? -1;
      if (at >= 0) idle!.splice(at, 1);
      if (idle?.length === 0) this.#idle.delete(origin);
    };
    return connection;
  }

  #sweep(): void {
    for (const idle of this.#idle.values()) {
      for (const connection of [...idle]) if (connection.sweeps++ > 0) connection.destroy();
    }
  }
}

/** One request after the other. */
class Connection implements Sent {
  onClosed: (() => void) | undefined;
  /** How often it was found idle since it was used. */
  sweeps = 0;
  readonly #socket: net.Socket;
  readonly #parser: AnswerParser;
  readonly #onFree: () => void;
  /** Of the request under way. */
  #handler: AnswerHandler | undefined;
  #ended = false;
  #reusable = true;
  /** The handler wants no more just now. */
  #full = false;
  #error: Error | undefined;

  constructor(origin: string, buffer: Buffer, onFree: () => void) {
    this.#onFree = onFree;
    this.#parser = new AnswerParser({
      onHead: (status, headers) => this.#handler?.onHead(status, headers),
      onBody: (bytes) => {
        // A copy: the next read goes to the same place.
        if (this.#handler?.onBody(Buffer.from(bytes)) === false) this.#full = true;
      },
      onEnd: (reusable) => {
        this.#ended = true;
        this.#reusable = reusable;
      },
    });
    this.#socket = net.connect({
      ...endpointOf(origin),
      noDelay: true,
      // Without the machinery of streams, and without memory for every read.
      onread: { buffer, callback: (length, bytes) => this.#read((bytes as Buffer).subarray(0, length)) },
    });
    this.#socket.on("error", (error) => {
      this.#error ??= error;
    });
    this.#socket.on("end", () => this.#eof());
    this.#socket.on("close", () => this.#closed());
  }

  get usable(): boolean {
    return this.#socket.writable;
  }

  send(method: string, head: string, handler: AnswerHandler): void {
    this.sweeps = 0;
    this.#handler = handler;
    this.#parser.begin(method);
    handler.onSent(this);
    // It may have been given up by that.
    if (this.#handler === handler) this.#socket.write(head, "latin1");
  }

  abort(handler: AnswerHandler, reason: Error): void {
    if (this.#handler === handler) this.#fail(reason);
  }

  resume(handler: AnswerHandler): void {
    if (this.#handler !== handler || !this.#full) return;
    this.#full = false;
    this.#socket.resume();
  }

  destroy(): void {
    this.#fail(new Error("The connection was closed"));
  }

  /** @returns whether to go on reading */
  #read(bytes: Buffer): boolean {
    const handler = this.#handler;
    try {
      this.#parser.feed(bytes);
    } catch (error) {
      // What came behind a whole answer does not make it less whole.
      if (this.#ended && this.#handler) this.#done(false);
      else this.#fail(error as Error);
      return false;
    }
    // Somebody gave it up meanwhile.
    if (this.#handler !== handler) return false;
    if (this.#ended) {
      this.#done(this.#reusable);
      return true;
    }
    handler?.onRest();
    return !this.#full;
  }

  #eof(): void {
    try {
      this.#parser.end();
      this.#done(false);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** The answer is whole. */
  #done(reusable: boolean): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#ended = false;
    this.#full = false;
    if (reusable && !this.#socket.destroyed) this.#onFree();
    else this.#socket.destroy();
    handler?.onEnd();
  }

  #fail(error: Error): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.#socket.destroy();
    handler?.onError(error);
  }

  #closed(): void {
    this.onClosed?.();
    if (this.#handler) this.#fail(this.#error ?? new Error("The connection ended before the answer did"));
  }
}
