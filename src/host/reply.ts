/** The answer to a client, as the front door writes it. `http.ServerResponse` is one. */
export interface Reply {
  /** The client is gone. */
  readonly destroyed: boolean;
  readonly headersSent: boolean;
  /** All of it has left. */
  readonly writableFinished: boolean;
  /** To let several writes leave as one. */
  readonly socket: { cork(): void; uncork(): void } | null;
  /** The client went, or got all. */
  on(event: "close", listener: () => void): unknown;
  /** The client takes more again, after a `write` that said no. */
  once(event: "drain", listener: () => void): unknown;
  /** @param headers flat: name, value, name… */
  writeHead(status: number, headers: string[]): unknown;
  flushHeaders(): void;
  /** @returns whether there may be more */
  write(chunk: Buffer): boolean;
  end(): unknown;
  /** @param body text: UTF-8 */
  end(body: string | Buffer): unknown;
  end(body: string, encoding: "latin1"): unknown;
  destroy(): unknown;
}
