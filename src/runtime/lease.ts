/** Leave to send a request: what the front door gets of a generation, once for every request. */
import type { Exchange, Exchanges, Holder } from "./exchanges.ts";
import type { GraphSpec, Lease } from "./types.ts";

/** Where the requests for one worker go, and the version that answers them. */
export type WorkerDoor = Pick<Lease, "origin" | "version">;

/** @param origins of the workers that have a socket */
export function doorsOf({ workers }: GraphSpec, origins: ReadonlyMap<string, string>): Map<string, WorkerDoor> {
  return new Map(
    workers.flatMap(({ id, version }) => {
      const origin = origins.get(id);
      return origin === undefined ? [] : [[id, { origin, version }] as const];
    }),
  );
}

/** A lease that counts as an exchange until it is released. */
export class ExchangeLease implements Lease {
  readonly #door: WorkerDoor;
  readonly #exchange: Exchange;
  readonly retiring: AbortSignal;
  #onRelease: (() => void) | undefined;

  constructor(door: WorkerDoor, exchanges: Exchanges, onRelease: (() => void) | undefined) {
    this.#door = door;
    this.#exchange = exchanges.enter();
    this.retiring = exchanges.retiring;
    this.#onRelease = onRelease;
  }

  get origin(): string {
    return this.#door.origin;
  }

  get version(): Lease["version"] {
    return this.#door.version;
  }

  get holder(): Holder | undefined {
    return this.#exchange.holder;
  }

  set holder(holder: Holder | undefined) {
    this.#exchange.holder = holder;
  }

  release(): void {
    this.#exchange.leave();
    const onRelease = this.#onRelease;
    this.#onRelease = undefined;
    onRelease?.();
  }
}
