/** One change after another, for those that lost against one. */
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { takeLock } from "../../lib/lock.ts";

/** Then it goes on without: somebody may have stopped in the middle. In ms. */
const PATIENCE = 30_000;

/**
 * Waits until nobody else has the turn. A courtesy, so that each of many changes at once gets through: whether a change may
 * be committed is decided in its transaction.
 * @param folder the state folder
 * @returns gives the turn back
 */
export async function takeTurn(folder: string, signal?: AbortSignal): Promise<() => Promise<void>> {
  const until = Date.now() + PATIENCE;
  for (;;) {
    const taken = await takeLock(path.join(folder, "change.lock"));
    if ("lock" in taken) return () => taken.lock.release();
    if (Date.now() > until) return async () => {};
    await setTimeout(10 + Math.random() * 20, undefined, signal && { signal });
  }
}
