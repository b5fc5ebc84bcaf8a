/** One answer of workerd, whichever client asked for it. */

export interface AnswerHandler {
  /** The request is on its way. */
  onSent(sent: Sent): void;
  /** @param headers flat, as they came */
  onHead(status: number, headers: readonly string[]): void;
  /** @returns false: nothing more until `resume`, please */
  onBody(bytes: Buffer): boolean;
  /** That was all for now: what was held back, so as to leave in one piece, should leave. */
  onRest(): void;
  onEnd(): void;
  /** Instead of `onEnd`. */
  onError(error: Error): void;
}

/** A request that was sent. The handler is named in each call because a connection goes on to the next request. */
export interface Sent {
  /** Gives it up: `onError` gets the reason, unless it is over. */
  abort(handler: AnswerHandler, reason: Error): void;
  resume(handler: AnswerHandler): void;
}
