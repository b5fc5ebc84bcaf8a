/** The exchanges that run on one version of a graph's code, so that they can be waited for and ended. */
export class Exchanges {
  #count = 0;
  #idle: (() => void) | undefined;
  #retiring = new AbortController();
  #ended = new AbortController();

  /** Aborted when the code is about to go: long-lived connections should end. */
  get retiring(): AbortSignal {
    return this.#retiring.signal;
  }

  /** Aborted when the time is up: what still runs is cut. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  enter(): void {
    this.#count++;
  }

  leave(): void {
    this.#count--;
    if (this.#count === 0) this.#idle?.();
  }

  /** Tells long-lived connections to end. */
  retire(): void {
    this.#retiring.abort();
  }

  /** Retires, and waits for running exchanges, at most `deadline` ms. */
  async drain(deadline: number): Promise<void> {
    this.retire();
    if (this.#count === 0) return;
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
    this.#ended.abort();
  }
}
