/**
 * Miniflare's own connections to the inspector of workerd. It opens one for each Worker without waiting for it, and nobody
 * listens for its errors: one that is cut before it is open ends this whole process, and so does a debugger's first message.
 * So a start waits for them, and so does an end.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";

/** How long an end waits for one that does not open, in ms. */
const PATIENCE = 1_000;

const current = new AsyncLocalStorage<InspectorConnections>();
let subscribed = false;

export class InspectorConnections {
  readonly #opening = new Set<Promise<void>>();

  /** Runs what makes a Miniflare: whatever it connects to from then on is known here. */
  during<T>(make: () => T): T {
    watchRequests();
    return current.run(this, make);
  }

  /** Resolves when each that was begun is open, or has failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#opening);
  }

  /** The same, but for what hangs. */
  async settledOrLate(): Promise<void> {
    if (this.#opening.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE);
    });
    await Promise.race([this.settled(), late]);
    clearTimeout(timer);
  }

  add(request: ClientRequest): void {
    const over = new Promise<void>((resolve) => {
      request.once("upgrade", () => resolve());
      request.once("close", resolve);
    }).finally(() => this.#opening.delete(over));
    this.#opening.add(over);
  }
}

function watchRequests(): void {
  if (subscribed) return;
  subscribed = true;
  // https://nodejs.org/api/diagnostics_channel.html#http
  subscribe("http.client.request.created", (message) => {
    const { request } = message as { request: ClientRequest };
    if (request.getHeader("upgrade") === "websocket") current.getStore()?.add(request);
  });
}
