/** Samples of one figure. */
export interface Samples {
  median: number;
  min: number;
  max: number;
  count: number;
  /** In the order they were taken. */
  values: readonly number[];
}

export function summarise(values: readonly number[]): Samples {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)!, count: sorted.length, values };
}

/**
 * How many times as much as `theirs`: the median of the ratios within each round. What slows the machine for a while slows
 * both sides of a pair, where it would move the medians of either side by themselves.
 */
export function pairedRatio(ours: Samples, theirs: Samples): number {
  return summarise(ours.values.map((value, round) => value / theirs.values[round]!)).median;
}

/** Runs every task once a round, round after round, so that all of them see the same weather. */
export async function interleave<Id extends string>(
  rounds: number,
  tasks: ReadonlyMap<Id, () => Promise<number>>,
  onRound: (round: number) => void = () => {},
): Promise<Map<Id, Samples>> {
  const values = new Map<Id, number[]>([...tasks.keys()].map((id) => [id, []]));
  for (let round = 1; round <= rounds; round++) {
    onRound(round);
    for (const [id, task] of tasks) values.get(id)!.push(await task());
  }
  return new Map([...values].map(([id, list]) => [id, summarise(list)]));
}
