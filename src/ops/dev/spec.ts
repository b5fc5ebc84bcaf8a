/** Graph and bundles → what the runtime runs. */
import type { Reference, ResolvedReference } from "../../bindings/kind.ts";
import type { Diagnostic } from "../../errors.ts";
import { type Graph, missingExport, resolveReference, workerId } from "../../graph/index.ts";
import type { Bundle, Environment, Workspace, Written } from "../../model.ts";
import type { GraphSpec, RuntimeWorker } from "../../runtime/types.ts";

export interface SpecInput {
  workspace: Workspace;
  graph: Graph;
  /** The bundle of a worker id. */
  bundle(id: string): Bundle;
  /** Values of secrets and local variables, by worker id. */
  secrets: ReadonlyMap<string, Record<string, string>>;
  /** Worker ids that have a hostname. */
  reachable: ReadonlySet<string>;
  options: Pick<GraphSpec, "persistTo" | "inspectorPort" | "startTimeout" | "restart">;
}

/** @returns the spec, and a warning for each reference that leads nowhere, with the binding it stands in. */
export function graphSpec(input: SpecInput): { spec: GraphSpec; warnings: (Diagnostic & { written: Written })[] } {
  const resolve = (environment: Environment, reference: Reference): ResolvedReference => {
    const resolution = resolveReference(input.workspace, environment, reference);
    const missing = resolution.missing ?? missingExport(resolution, reference, input.bundle(workerId(resolution)));
    const { ref, reason } = resolution;
    const target = resolution.environment;
    if (missing === undefined) return { ref, reason, worker: workerId(resolution), environment: target };
    const standIn = `troupe:missing:${ref.service}@${ref.environment}${reference.exportName ? `#${reference.exportName}` : ""}`;
    return { ref, reason, worker: standIn, missing };
  };

  const warnings = new Map<string, Diagnostic & { written: Written }>();
  for (const edge of input.graph.edges) {
    const environment = input.graph.environments.get(edge.from)!;
    const { missing } = resolve(environment, edge.reference);
    if (!missing) continue;
    const message = `${environment.service}: ${edge.binding.name}: ${missing}`;
    warnings.set(message, { severity: "warning", code: "missing-service", message, written: edge.binding.written });
  }

  const workers = [...input.graph.environments].map(
    ([id, environment]): RuntimeWorker => ({
      id,
      environment,
      bundle: input.bundle(id),
      secrets: input.secrets.get(id) ?? {},
      reachable: input.reachable.has(id),
      resolve: (reference) => resolve(environment, reference),
    }),
  );
  return { spec: { workers, ...input.options }, warnings: [...warnings.values()] };
}
