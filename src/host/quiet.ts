/** The wait before a process makes room for others: work behind its last answer (`waitUntil`) is invisible from here. */
import { setTimeout as sleep } from "node:timers/promises";

export class Quiet {
  #length: number;
  #wake = new AbortController();
  #cancelled = false;

  /** @param length so many ms it has to have been unused */
  constructor(length: number) {
    this.#length = length;
  }

  /** It stays after all. */
  cancel(): void {
    this.#cancelled = true;
    this.#wake.abort();
  }

  /** Others can wait no longer. */
  hurry(): void {
    this.#length = 0;
    this.#wake.abort();
  }

  /** @param lastUsed as `performance.now()` has it. @returns whether it has been quiet for as long as it takes */
  async kept(lastUsed: () => number): Promise<boolean> {
    const rest = lastUsed() + this.#length - performance.now();
    if (rest > 0) await sleep(rest, undefined, { signal: this.#wake.signal }).catch(() => {});
    // Timers may be early, by less than that.
    return !this.#cancelled && lastUsed() + this.#length <= performance.now() + 1;
  }
}
