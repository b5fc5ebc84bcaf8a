/** The exchanges that run on one version of a graph's code, so that they can be waited for and ended. */

/** One of them. */
export class Exchange {
  /** Called when the time for what still runs is up. A signal would do, but costs more than all else here. */
  onEnded: (() => void) | undefined;
  readonly #of: Exchanges;

  constructor(of: Exchanges) {
    this.#of = of;
  }

  /** It is over. Safe to call twice. */
  leave(): void {
    this.#of.leave(this);
  }
}

/** Requests under way in one generation: counted, told to end, waited for. */
export class Exchanges {
  readonly #open = new Set<Exchange>();
  #idle: (() => void) | undefined;
  #retiring = new AbortController();
  #lastLeft = 0;

  /** When the last one was over, as `performance.now()` has it; 0: there was none. */
  get lastLeft(): number {
    return this.#lastLeft;
  }

  /** Aborted when the code is about to go: long-lived connections should end. */
  get retiring(): AbortSignal {
    return this.#retiring.signal;
  }

  enter(): Exchange {
    const exchange = new Exchange(this);
    this.#open.add(exchange);
    return exchange;
  }

  leave(exchange: Exchange): void {
    if (!this.#open.delete(exchange)) return;
    this.#lastLeft = performance.now();
    if (this.#open.size === 0) this.#idle?.();
  }

  /** Tells long-lived connections to end. */
  retire(): void {
    this.#retiring.abort();
  }

  /** Retires, and waits for running exchanges, at most `deadline` ms. */
  async drain(deadline: number): Promise<void> {
    this.retire();
    if (this.#open.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      new Promise<void>((resolve) => {
        this.#idle = resolve;
      }),
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, deadline);
      }),
    ]);
    clearTimeout(timer);
  }

  /** Cuts what still runs. */
  end(): void {
    this.retire();
    for (const exchange of [...this.#open]) exchange.onEnded?.();
  }
}
