/**
 * Clients' connections, as long as they bring requests of the plainest kind, one after the other, which is what nearly all
 * bring: read and answered here, with one write each. With the first bytes that are anything else (a body, an upgrade, a
 * head in two pieces, a second request before the first is answered, a doubt) Node's own server gets the connection and
 * keeps it: there, a request takes as much of the processor again as all the rest of its way.
 */
import type net from "node:net";
import type { Reply } from "./reply.ts";
import { type ReplyChannel, SimpleReply } from "./simple-reply.ts";
import { SimpleRequest } from "./simple-request.ts";

/** A request that is longer is for Node's server. */
const MAX_HEAD = 16 * 1024;

/** Connections are looked at so many times in the time that they may be idle. */
const SWEEPS = 6;

export interface ClientConnectionsOptions {
  /** What clients are told, and get: so long a connection may be idle. In seconds. */
  keepAlive: number;
  /** @returns false: Node's server shall have it, and nothing was done */
  onRequest(request: SimpleRequest, reply: Reply): boolean;
  /** Gives a connection to Node's server; what was read from it can be read again. */
  handOver(socket: net.Socket): void;
}

export class ClientConnections {
  readonly options: ClientConnectionsOptions;
  readonly #all = new Set<ClientConnection>();
  readonly #timer: NodeJS.Timeout;
  /** No further requests, please. */
  closing = false;

  constructor(options: ClientConnectionsOptions) {
    this.options = options;
    this.#timer = setInterval(() => this.#sweep(), (options.keepAlive * 1000) / SWEEPS).unref();
  }

  /** A client has connected. */
  add(socket: net.Socket): void {
    this.#all.add(new ClientConnection(socket, this));
  }

  /** It is somebody else's, or over. */
  delete(connection: ClientConnection): void {
    this.#all.delete(connection);
  }

  /** Ends those that are idle; the others when they are. */
  close(): void {
    this.closing = true;
    clearInterval(this.#timer);
    for (const connection of this.#all) if (connection.idle) connection.destroy();
  }

  /** Ends all. */
  destroy(): void {
    for (const connection of this.#all) connection.destroy();
  }

  #sweep(): void {
    for (const connection of this.#all) {
      // Later than was promised: no request is to meet the end of its connection.
      if (connection.idle && connection.sweeps++ > SWEEPS) connection.destroy();
    }
  }
}

class ClientConnection implements ReplyChannel {
  readonly socket: net.Socket;
  /** How often it was found idle since it was used. */
  sweeps = 0;
  readonly #owner: ClientConnections;
  /** Of the request under way. */
  #reply: SimpleReply | undefined;
  /** Came before that was answered. */
  #early: Buffer[] = [];

  constructor(socket: net.Socket, owner: ClientConnections) {
    this.socket = socket;
    this.#owner = owner;
    socket.on("data", this.#onData);
    socket.on("drain", this.#onDrain);
    socket.on("end", this.#onEnd);
    socket.on("error", ignore);
    socket.on("close", this.#onClose);
  }

  get idle(): boolean {
    return this.#reply === undefined;
  }

  get closing(): boolean {
    return this.#owner.closing;
  }

  get keepAlive(): number {
    return this.#owner.options.keepAlive;
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** The reply has left. */
  done(): void {
    this.#reply = undefined;
    this.sweeps = 0;
    if (this.closing) this.socket.end();
    else if (this.#early.length > 0) this.#handOver(Buffer.concat(this.#early));
  }

  #onData = (bytes: Buffer): void => {
    if (this.#reply) {
      // Unread, they hold up the client.
      this.#early.push(bytes);
      this.socket.pause();
      return;
    }
    const request = bytes.length <= MAX_HEAD ? SimpleRequest.read(bytes.toString("latin1"), this.socket) : undefined;
    if (!request) {
      this.#handOver(bytes);
      return;
    }
    const reply = new SimpleReply(this, request.method);
    this.#reply = reply;
    if (this.#owner.options.onRequest(request, reply)) return;
    this.#reply = undefined;
    this.#handOver(bytes);
  };

  #onDrain = (): void => this.#reply?.drained();

  /** As Node's server has it, who says no more wants no more. */
  #onEnd = (): void => {
    this.socket.end();
    this.#reply?.lost();
  };

  #onClose = (): void => {
    this.#owner.delete(this);
    this.#reply?.lost();
  };

  #handOver(bytes: Buffer): void {
    const { socket } = this;
    this.#owner.delete(this);
    socket.pause();
    socket.off("data", this.#onData);
    socket.off("drain", this.#onDrain);
    socket.off("end", this.#onEnd);
    socket.off("error", ignore);
    socket.off("close", this.#onClose);
    socket.unshift(bytes);
    this.#owner.options.handOver(socket);
    socket.resume();
  }
}

function ignore(): void {}
