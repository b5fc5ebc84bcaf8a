/** The graph of environments connected by bindings: what runs together in one process. */
import { kindOf } from "../bindings/index.ts";
import type { Reference } from "../bindings/kind.ts";
import { type Binding, type Environment, refId, type Workspace } from "../model.ts";
import { components } from "./order.ts";
import { type Resolution, resolveReference, workerId } from "./resolve.ts";

export interface GraphEdge {
  /** Worker id of the service that has the binding. */
  from: string;
  /** Worker id of what it points to, or of the stand-in for a missing one. */
  to: string;
  binding: Binding;
  reference: Reference;
  resolution: Resolution;
}

export interface Graph {
  /** Worker ids that were asked for, in the order asked. */
  roots: string[];
  /** Every environment reached, by worker id; roots first, then in the order found. */
  environments: Map<string, Environment>;
  edges: GraphEdge[];
  /** Worker ids so that what is bound comes before what binds it; members of a cycle stand together. */
  order: string[];
  /** Groups of two or more environments that reach each other. */
  cycles: string[][];
}

/** Everything reachable from `roots` over bindings that refer to a service. */
export function closure(workspace: Workspace, roots: readonly Environment[]): Graph {
  const environments = new Map<string, Environment>();
  const edges: GraphEdge[] = [];
  const queue: Environment[] = [];
  const visit = (environment: Environment): void => {
    const id = refId({ service: environment.service, environment: environment.name });
    if (environments.has(id)) return;
    environments.set(id, environment);
    queue.push(environment);
  };
  for (const root of roots) visit(root);
  for (let environment = queue.shift(); environment; environment = queue.shift()) {
    for (const edge of outgoing(workspace, environment)) {
      edges.push(edge);
      if (edge.resolution.environment) visit(edge.resolution.environment);
    }
  }
  const { order, cycles } = components([...environments.keys()], edges);
  return {
    roots: roots.map((root) => refId({ service: root.service, environment: root.name })),
    environments,
    edges,
    order,
    cycles,
  };
}

/** The edges that leave one environment. */
export function outgoing(workspace: Workspace, environment: Environment): GraphEdge[] {
  const from = refId({ service: environment.service, environment: environment.name });
  return environment.bindings.flatMap((binding) =>
    (kindOf(binding).references?.(binding) ?? []).map((reference) => {
      const resolution = resolveReference(workspace, environment, reference);
      return { from, to: workerId(resolution), binding, reference, resolution };
    }),
  );
}
