/** The graph of a whole workspace: services × environments, edges, cycles, and who a change would reach. */
import { kindOf } from "../bindings/index.ts";
import { TroupeError } from "../errors.ts";
import { closure, type GraphEdge, missingService } from "../graph/index.ts";
import { type Environment, isPrivate, refId, type Workspace } from "../model.ts";
import { type Selection, selectEnvironments, selectWorkspace } from "./select.ts";

export interface GraphData {
  nodes: { id: string; service: string; environment: string; private: boolean; missing: boolean }[];
  edges: {
    from: string;
    to: string;
    binding: string;
    kind: string;
    entrypoint?: string;
    why: string;
    missing?: string;
  }[];
  /** Groups of ids that reach each other. */
  cycles: string[][];
  /** Bound Services: who depends on an id directly. */
  boundBy: Record<string, string[]>;
  /** With `affectedBy`: every id that a change of that service would reach, itself first. */
  affected?: string[];
}

export interface GraphSelection extends Selection {
  affectedBy?: string;
}

/**
 * Without `env`: all environments of all services. With it: that environment of each (or its production).
 * @throws TroupeError CONFIG; NOT_FOUND when `affectedBy` names nothing
 */
export async function bindingsGraph(selection: GraphSelection): Promise<GraphData> {
  const { workspace } = await selectWorkspace(selection);
  return graphData(workspace, rootsOf(workspace, selection), selection.affectedBy);
}

function rootsOf(workspace: Workspace, selection: GraphSelection): Environment[] {
  if (selection.env !== undefined) return selectEnvironments(workspace.services, selection.env);
  return workspace.services.flatMap((service) => Object.values(service.environments));
}

function graphData(workspace: Workspace, roots: readonly Environment[], affectedBy?: string): GraphData {
  const graph = closure(workspace, roots);
  const nodes: GraphData["nodes"] = [...graph.environments].map(([id, environment]) => ({
    id,
    service: environment.service,
    environment: environment.name,
    private: isPrivate(environment),
    missing: false,
  }));
  const boundBy: Record<string, string[]> = Object.fromEntries(nodes.map((node) => [node.id, []]));
  const edges = graph.edges.map((edge) => {
    const to = refId(edge.resolution.ref);
    if (!boundBy[to]) {
      boundBy[to] = [];
      nodes.push({ id: to, ...edge.resolution.ref, private: false, missing: true });
    }
    if (edge.from !== to && !boundBy[to].includes(edge.from)) boundBy[to].push(edge.from);
    return edgeData(edge, to);
  });
  return {
    nodes,
    edges,
    cycles: graph.cycles,
    boundBy,
    ...(affectedBy !== undefined && { affected: affected(nodes, boundBy, affectedBy) }),
  };
}

function edgeData(edge: GraphEdge, to: string): GraphData["edges"][number] {
  return {
    from: edge.from,
    to,
    binding: edge.binding.name,
    kind: kindOf(edge.binding).id,
    entrypoint: edge.reference.exportName,
    why: edge.resolution.reason,
    missing: edge.resolution.missing,
  };
}

/** @param name a service (all its environments) or `service@environment` */
function affected(nodes: GraphData["nodes"], boundBy: Record<string, string[]>, name: string): string[] {
  const start = nodes.filter((node) => node.id === name || node.service === name).map((node) => node.id);
  if (start.length === 0) {
    throw new TroupeError("NOT_FOUND", missingService(name), {
      notes: [`services: ${[...new Set(nodes.map((node) => node.service))].join(", ")}`],
    });
  }
  const reached = new Set(start);
  for (const id of reached) for (const dependent of boundBy[id] ?? []) reached.add(dependent);
  return [...reached];
}
