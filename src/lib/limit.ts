/** Runs at most `most` pieces of work at a time; the others wait in line. */
export function createLimit(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      // Handed on to the next in line, or given back.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
