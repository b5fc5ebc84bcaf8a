/// <reference path="./undici-agent.d.ts" />
/** The way to workerd for requests with a body, and for upgrades: undici's. */
import type { Dispatcher } from "undici";
import Agent from "undici/lib/dispatcher/agent.js";
import { connectLocal } from "../lib/unix-origin.ts";
import type { AnswerHandler, Sent } from "./answers.ts";

/** The client for requests with bodies, and for upgrades; `destroy` ends its connections. */
export function createAgent(): Dispatcher {
  // workerd ends connections that were idle for 15 s: given up before that, none is used in the moment of its end. Heads and
  // bodies may take as long as they like, and so many streams may be open that no number would be right.
  return new Agent({
    pipelining: 1,
    keepAliveTimeout: 10_000,
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
    connect: connectLocal,
  });
}

/**
 * Sends a request and its body, streamed.
 * @param handler gets the answer, or the error
 */
export function sendWithBody(agent: Dispatcher, request: Dispatcher.DispatchOptions, handler: AnswerHandler): void {
  agent.dispatch(request, new Relay(handler));
}

class Relay implements Dispatcher.DispatchHandler, Sent {
  readonly #handler: AnswerHandler;
  #abort: ((error: Error) => void) | undefined;
  #resume: (() => void) | undefined;
  #over = false;

  constructor(handler: AnswerHandler) {
    this.#handler = handler;
  }

  abort(_handler: AnswerHandler, reason: Error): void {
    if (!this.#over) this.#abort?.(reason);
  }

  resume(): void {
    this.#resume?.();
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    this.#handler.onSent(this);
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    // Informational responses are between us and workerd.
    if (status < 200) return true;
    this.#resume = resume;
    this.#handler.onHead(
      status,
      raw.map((part) => part.toString("latin1")),
    );
    // undici does not tell when it has handed on all that it read.
    process.nextTick(() => {
      if (!this.#over) this.#handler.onRest();
    });
    return true;
  }

  onData(chunk: Buffer): boolean {
    return this.#handler.onBody(chunk);
  }

  onComplete(): void {
    this.#over = true;
    this.#handler.onEnd();
  }

  onError(error: Error): void {
    this.#over = true;
    this.#handler.onError(error);
  }
}
