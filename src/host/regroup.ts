/** Which running graphs turn into which new ones: by the members they have in common. */
import type { GraphProcess } from "./graph-process.ts";
import type { PoolGraph } from "./pool-types.ts";

export interface Regrouped {
  olds: GraphProcess[];
  news: PoolGraph[];
}

/** @returns sets of old and new graphs that share members among themselves and none with others */
export function regroup(processes: readonly GraphProcess[], graphs: readonly PoolGraph[]): Regrouped[] {
  const byWorker = new Map<string, GraphProcess>();
  for (const process of processes) for (const worker of process.definition.workers) byWorker.set(worker, process);
  const groups = new Map<GraphProcess | PoolGraph, Regrouped>();
  for (const graph of graphs) {
    const olds = new Set(graph.workers.flatMap((worker) => byWorker.get(worker) ?? []));
    const joined: Regrouped = { olds: [], news: [graph] };
    for (const old of olds) {
      const other = groups.get(old) ?? { olds: [old], news: [] };
      if (joined.olds.includes(old)) continue;
      joined.olds.push(...other.olds);
      joined.news.push(...other.news);
    }
    for (const member of [...joined.olds, ...joined.news]) groups.set(member, joined);
  }
  const left = processes.filter((process) => !groups.has(process)).map((old) => ({ olds: [old], news: [] }));
  return [...new Set(groups.values()), ...left];
}
