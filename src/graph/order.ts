/** Dependency order and cycles, by Tarjan's strongly connected components (https://doi.org/10.1137/0201010). */

export interface Components {
  /** Ids, dependencies first. */
  order: string[];
  /** Components of two or more ids. */
  cycles: string[][];
}

/** @param edges `from` depends on `to`; edges to unknown ids are passed over. */
export function components(ids: readonly string[], edges: readonly { from: string; to: string }[]): Components {
  const dependencies = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of edges) if (dependencies.has(to)) dependencies.get(from)?.push(to);

  const order: string[] = [];
  const cycles: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();

  const connect = (id: string): void => {
    index.set(id, index.size);
    low.set(id, index.get(id)!);
    stack.push(id);
    onStack.add(id);
    for (const next of dependencies.get(id)!) {
      if (!index.has(next)) {
        connect(next);
        low.set(id, Math.min(low.get(id)!, low.get(next)!));
      } else if (onStack.has(next)) {
        low.set(id, Math.min(low.get(id)!, index.get(next)!));
      }
    }
    if (low.get(id) !== index.get(id)) return;
    const component: string[] = [];
    for (let member = stack.pop(); member !== undefined; member = stack.pop()) {
      onStack.delete(member);
      component.unshift(member);
      if (member === id) break;
    }
    order.push(...component);
    if (component.length > 1) cycles.push(component);
  };
  for (const id of ids) if (!index.has(id)) connect(id);
  return { order, cycles };
}
