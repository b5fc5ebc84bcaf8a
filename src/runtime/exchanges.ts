/** The exchanges that run on one version of a graph's code, so that they can be waited for and ended. */

/** Who holds an exchange. */
export interface Holder {
  /** Its time is up. */
  cut(): void;
}

/** One of them. */
export class Exchange {
  /** Told when the time for what still runs is up. A signal would do, but costs more than all else here. */
  holder: Holder | undefined;
  /** Its place among those that are open; -1: it is over. */
  at: number;
  readonly #of: Exchanges;

  constructor(of: Exchanges, at: number) {
    this.#of = of;
    this.at = at;
  }

  /** It is over. Safe to call twice. */
  leave(): void {
    this.#of.leave(this);
  }
}

/** Requests under way in one generation: counted, told to end, waited for. */
export class Exchanges {
  /**
   * No `Set`: V8 makes a new table for it every few dozen changes, and the old one, once it has grown old, holds on to the
   * next one and to all that was in it. The garbage of nearly every request would outlive its youth.
   */
  readonly #open: Exchange[] = [];
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
    const exchange = new Exchange(this, this.#open.length);
    this.#open.push(exchange);
    return exchange;
  }

  leave(exchange: Exchange): void {
    const { at } = exchange;
    if (at < 0) return;
    exchange.at = -1;
    exchange.holder = undefined;
    const last = this.#open.pop()!;
    if (last !== exchange) {
      this.#open[at] = last;
      last.at = at;
    }
    this.#lastLeft = performance.now();
    if (this.#open.length === 0) this.#idle?.();
  }

  /** Tells long-lived connections to end. */
  retire(): void {
    this.#retiring.abort();
  }

  /** Retires, and waits for running exchanges, at most `deadline` ms. */
  async drain(deadline: number): Promise<void> {
    this.retire();
    if (this.#open.length === 0) return;
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
    for (const exchange of [...this.#open]) exchange.holder?.cut();
  }
}
