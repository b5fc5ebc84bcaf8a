/** Several changes as one: what was done is remembered with what undoes it, and undone when a later one fails. */
import { TroupeError } from "../../errors.ts";

interface Done {
  /** For people, of the state it leads back to: "auth@production is back at version 3". */
  undone: string;
  /** @returns a string: why it was left alone, in words */
  undo(): Promise<unknown>;
}

/** Remembers, while `run` works, what undoes it. */
export class Operation {
  readonly #done: Done[] = [];
  readonly #kept: string[] = [];
  readonly #onProgress: ((message: string) => void) | undefined;

  constructor(onProgress?: (message: string) => void) {
    this.#onProgress = onProgress;
  }

  /** Something that nobody notices, and that is of use for the next attempt: it is not undone. */
  keeps(what: string): void {
    this.#kept.push(what);
  }

  /** @param undone absent for what is not worth telling */
  did(undone: string, undo: () => Promise<unknown>): void {
    this.#done.push({ undone, undo });
  }

  /**
   * Runs `work`; when it fails, everything that it did is undone, latest first.
   * @throws what `work` throws, saying what was put back and what could not be
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const notes = await this.#undoAll();
      throw withNotes(error, notes);
    }
  }

  async #undoAll(): Promise<string[]> {
    const notes: string[] = [];
    if (this.#kept.length > 0) notes.push(`Made, and found again by the next deploy: ${this.#kept.join(", ")}`);
    if (this.#done.length > 0) this.#onProgress?.("Putting everything back");
    let failed = false;
    let left = false;
    for (const { undone, undo } of this.#done.reverse()) {
      try {
        const why = await undo();
        if (typeof why === "string") left = true;
        const note = typeof why === "string" ? why : undone;
        if (note) notes.push(note);
      } catch (error) {
        failed = true;
        notes.push(`not put back, although it should be (${undone}): ${(error as Error).message}`);
      }
    }
    if (failed) return [...notes, "Run the same command again: it brings everything to the new state"];
    const rest = left ? "Everything else is as it was before" : "Everything is as it was before";
    return [...new Set(notes), this.#done.length === 0 ? "No Worker was changed" : rest];
  }
}

function withNotes(error: unknown, notes: readonly string[]): unknown {
  if (!(error instanceof TroupeError)) return error;
  const { code, message, location, diagnostics, cause } = error;
  return new TroupeError(code, message, {
    ...(location && { location }),
    notes: [...error.notes, ...notes],
    diagnostics,
    cause: cause ?? error,
  });
}
