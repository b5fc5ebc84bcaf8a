/** Which environments run in one process: those that call each other, and those that share a resource or a folder of data. */
import { type GraphEdge, outgoing } from "../../graph/index.ts";
import { dataKeys } from "../../host/homes.ts";
import { refId } from "../../model.ts";
import type { Deployed, DeployedWorkspace } from "./deployed.ts";

/** Environments, and where their bindings lead. */
export interface Together {
  /** Each once. */
  groups: Deployed[][];
  /** By worker id: those that it binds. */
  edges: ReadonlyMap<string, GraphEdge[]>;
  /** The worker at the end of an edge; undefined when it is not deployed. */
  idOf(edge: GraphEdge): string | undefined;
}

/** @param homesOf the folders that an environment's data lies in already */
export function runTogether(workspace: DeployedWorkspace, homesOf: (user: Deployed) => readonly string[]): Together {
  const all = [...workspace.deployed.values()];
  const edges = new Map(all.map((each) => [each.id, outgoing(workspace, each.environment)]));
  const idOf = (edge: GraphEdge) => workspace.deployed.get(refId(edge.resolution.ref))?.id;
  const meeting = (each: Deployed): string[] => [
    `worker:${each.id}`,
    ...edges.get(each.id)!.flatMap((edge) => (idOf(edge) === undefined ? [] : [`worker:${idOf(edge)}`])),
    ...dataKeys(each),
    ...homesOf(each).map((home) => `home:${home}`),
  ];
  return { groups: connected(all, meeting), edges, idOf };
}

/**
 * Environments that would meet a copy of their Durable Objects in one process: ids are equal there, and so would be the files.
 * @returns pairs, the copy first
 */
export function meetingCopies(
  workspace: DeployedWorkspace,
  homesOf: (user: Deployed) => readonly string[],
): [Deployed, Deployed][] {
  // Nearly always there are none, and everything that is deployed need not be read.
  if (![...workspace.deployed.values()].some(({ id, objects }) => id !== objects)) return [];
  return runTogether(workspace, homesOf).groups.flatMap((group) =>
    group.flatMap((copy): [Deployed, Deployed][] => {
      const other = copy.id === copy.objects ? undefined : group.find((each) => each !== copy && meets(copy, each));
      return other ? [[copy, other]] : [];
    }),
  );
}

function meets(a: Deployed, b: Deployed): boolean {
  return a.objects === b.objects;
}

/** Groups of items that have a key in common, directly or over others. */
function connected<T>(items: readonly T[], keysOf: (item: T) => readonly string[]): T[][] {
  const parent = new Map<T, T>();
  const root = (item: T): T => {
    let at = item;
    for (let up = parent.get(at); up !== undefined; up = parent.get(at)) at = up;
    return at;
  };
  const first = new Map<string, T>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const other = first.get(key);
      if (other === undefined) first.set(key, item);
      else if (root(other) !== root(item)) parent.set(root(item), root(other));
    }
  }
  const groups = new Map<T, T[]>();
  for (const item of items) groups.set(root(item), [...(groups.get(root(item)) ?? []), item]);
  return [...groups.values()];
}
