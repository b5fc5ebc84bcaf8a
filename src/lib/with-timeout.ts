/**
 * Waits for something, at most so long.
 * @param limit in ms
 * @param signal aborted: it is given up, and rejects with the signal's reason
 * @param error what it rejects with when the time is up
 */
export async function withTimeout<T>(
  work: Promise<T>,
  { limit, signal }: { limit: number; signal?: AbortSignal | undefined },
  error: () => Error,
): Promise<T> {
  signal?.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  let giveUp = (): void => {};
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(error()), limit);
    giveUp = () => reject(signal!.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
    // Its own failure, after the time is up, is nobody's business any more.
    work.catch(() => {});
  }
}
