/** What there is to serve: graphs of deployed environments, and the hostnames and routes that lead to them. */

import { stateOf } from "../../bindings/index.ts";
import type { StateClass } from "../../bindings/kind.ts";
import type { DataUser } from "../../host/homes.ts";
import { type RouteTable, routeTable } from "../../host/routes.ts";
import { isPrivate, refId } from "../../model.ts";
import { type Deployed, type DeployedWorkspace, runTogether } from "../deployed/index.ts";

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
  const open = [...deployed.values()].filter(({ environment }) => !isPrivate(environment));
  const reachable = new Set(open.map(({ id }) => id));
  const { groups, edges, idOf } = runTogether(workspace, homesOf);
  const graphs = groups.map((members): ServedGraph => {
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
