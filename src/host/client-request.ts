/** A client's request, as the front door and its routes look at it. `http.IncomingMessage` is one, `SimpleRequest` another. */
import type http from "node:http";

export interface ClientRequest {
  readonly method?: string | undefined;
  /** Path and query, as the client sent them. */
  readonly url?: string | undefined;
  readonly httpVersion: string;
  /** Flat: name, value, name… */
  readonly rawHeaders: string[];
  /** By lower-case name. */
  readonly headers: http.IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined };
}
