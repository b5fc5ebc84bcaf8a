/** What there is to serve: graphs of deployed environments, and the hostnames and routes that lead to them. */

import { stateOf } from "../../bindings/index.ts";
import type { StateClass } from "../../bindings/kind.ts";
import { type GraphEdge, outgoing } from "../../graph/index.ts";
import { type DataUser, dataKeys } from "../../host/homes.ts";
import { type RouteTable, routeTable } from "../../host/routes.ts";
import { isPrivate, refId } from "../../model.ts";
import type { Deployed, DeployedWorkspace } from "../deployed/index.ts";

/** Environments that run together in one process. */
export interface ServedGraph {
  /** Sorted by id. */
  members: Deployed[];
  /** Sorted worker ids. */
  workers: string[];
  /** Another one whenever anything of what runs is. */
  key: string;
  state: StateClass;
}

export interface ServePlan {
  workspace: DeployedWorkspace;
  graphs: ServedGraph[];
  /** By worker id. */
  deployed: Map<string, Deployed>;
  /** First label of a hostname → worker id. */
  hosts: Map<string, string>;
  routes: RouteTable;
  /** Worker ids that have a hostname or a route. */
  reachable: Set<string>;
}

/**
 * Environments that call each other run together, and so do those that share a resource or a folder of data.
 * @param homesOf the folders that an environment's data lies in already
 */
export function planServe(workspace: DeployedWorkspace, homesOf: (user: DataUser) => readonly string[]): ServePlan {
  const deployed = new Map([...workspace.deployed.values()].map((each) => [each.id, each]));
  const edges = new Map([...deployed].map(([id, each]) => [id, outgoing(workspace, each.environment)]));
  const open = [...deployed.values()].filter(({ environment }) => !isPrivate(environment));
  const reachable = new Set(open.map(({ id }) => id));
  const idOf = (edge: GraphEdge) => workspace.deployed.get(refId(edge.resolution.ref))?.id;

  const meeting = (each: Deployed): string[] => [
    `worker:${each.id}`,
    ...edges.get(each.id)!.flatMap((edge) => (idOf(edge) === undefined ? [] : [`worker:${idOf(edge)}`])),
    ...dataKeys(each),
    ...homesOf(each).map((home) => `home:${home}`),
  ];
  const graphs = connected([...deployed.values()], meeting).map((members): ServedGraph => {
    members.sort((a, b) => (a.id < b.id ? -1 : 1));
    const parts = members.map(({ id, ref, record }) => {
      const targets = edges.get(id)!.map((edge) => idOf(edge) ?? edge.to);
      return [id, refId(ref), record.activeVersionId, reachable.has(id), targets];
    });
    return {
      members,
      workers: members.map(({ id }) => id),
      key: JSON.stringify(parts),
      state: strictest(members),
    };
  });
  return {
    workspace,
    graphs,
    deployed,
    hosts: new Map(open.map(({ label, id }) => [label, id])),
    routes: routeTable(open.map(({ id, environment }) => [id, environment.routes])),
    reachable,
  };
}

function strictest(members: readonly Deployed[]): StateClass {
  const states = new Set(members.map(({ environment }) => stateOf(environment)));
  return states.has("exclusive") ? "exclusive" : states.has("disk") ? "disk" : "none";
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
