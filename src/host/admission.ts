/**
 * While a process starts, requests leave it room: a start is a long chain of small steps in this very thread, and work for a
 * core besides; behind fifty requests at a time it takes several times as long. So few are under way at once, and others
 * wait for their turn, but never long: whatever is slow holds nobody up for more than moments.
 */
import os from "node:os";

/** So many under way keep the cores busy without a queue before them. */
const AT_ONCE = Math.max(2, os.availableParallelism());

/** Nobody waits longer, in ms. */
const PATIENCE = 20;

export class Admission {
  readonly #isStarting: () => boolean;
  /** Those that were sent and have no answer yet. */
  #underWay = 0;
  /** In the order they came. */
  #waiting: { go(): void; until: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param isStarting whether a process is starting just now */
  constructor(isStarting: () => boolean = () => false) {
    this.#isStarting = isStarting;
  }

  /** Calls `go` at once, or when it is its turn. */
  pass(go: () => void): void {
    if (this.#underWay < AT_ONCE || !this.#isStarting()) {
      go();
      return;
    }
    this.#waiting.push({ go, until: performance.now() + PATIENCE });
    this.#timer ??= setTimeout(() => this.#late(), PATIENCE);
  }

  /** One was sent. */
  enter(): void {
    this.#underWay++;
  }

  /** One has its answer, or will get none. */
  leave(): void {
    this.#underWay--;
    if (this.#waiting.length > 0) this.#next();
  }

  #next(): void {
    while (this.#waiting.length > 0 && (this.#underWay < AT_ONCE || !this.#isStarting())) this.#waiting.shift()!.go();
  }

  #late(): void {
    this.#timer = undefined;
    this.#next();
    const now = performance.now();
    while (this.#waiting.length > 0 && this.#waiting[0]!.until <= now) this.#waiting.shift()!.go();
    const [first] = this.#waiting;
    if (first) this.#timer ??= setTimeout(() => this.#late(), first.until - now);
  }
}
