/** What is bound, to what, where it was written, and who depends on it. */
import { kindOf, notLocal } from "../bindings/index.ts";
import { locate } from "../config/index.ts";
import type { Diagnostic, Location } from "../errors.ts";
import { outgoing } from "../graph/index.ts";
import type { BindingOrigin, Environment, Workspace } from "../model.ts";
import { type Selection, selectEnvironments, selectServices, selectWorkspace } from "./select.ts";

export interface BindingRow {
  name: string;
  kind: string;
  /** For people: "KV namespace". */
  title: string;
  /** What it resolves to in this environment: a resource's id, `service@environment`, or a short description. */
  resource: string;
  /** The environment a service binding leads to, and why. */
  target?: { service: string; environment: string; why: string; missing?: string };
  origin: BindingOrigin;
  shared: boolean;
  /** Where it was written. */
  location: Location;
  /** What does not work locally. */
  notLocal?: string;
}

export interface BoundBy {
  service: string;
  environment: string;
  binding: string;
}

export interface ServiceBindings {
  service: string;
  environment: string;
  bindings: BindingRow[];
  boundBy: BoundBy[];
}

export interface BindingsResult {
  services: ServiceBindings[];
  warnings: Diagnostic[];
}

/**
 * Lists the bindings of the chosen services in one environment each.
 * @throws TroupeError CONFIG, NOT_FOUND
 */
export async function listBindings(selection: Selection): Promise<BindingsResult> {
  const { workspace, warnings } = await selectWorkspace(selection);
  const environments = selectEnvironments(selectServices(workspace, selection), selection.env);
  const dependents = dependentsOf(workspace);
  const services = await Promise.all(
    environments.map(async (environment): Promise<ServiceBindings> => {
      const { service, name } = environment;
      return {
        service,
        environment: name,
        bindings: await rows(workspace, environment),
        boundBy: dependents.get(`${service}@${name}`) ?? [],
      };
    }),
  );
  return { services, warnings };
}

async function rows(workspace: Workspace, environment: Environment): Promise<BindingRow[]> {
  const edges = outgoing(workspace, environment);
  return Promise.all(
    environment.bindings.map(async (binding): Promise<BindingRow> => {
      const kind = kindOf(binding);
      const edge = edges.find((candidate) => candidate.binding === binding);
      const { ref, reason, missing } = edge?.resolution ?? {};
      return {
        name: binding.name,
        kind: binding.kind,
        title: kind.title,
        resource: binding.resource?.id ?? (ref ? `${ref.service}@${ref.environment}` : kind.describe(binding)),
        ...(ref && { target: { ...ref, why: reason!, missing } }),
        origin: binding.origin,
        shared: binding.origin === "shared",
        location: await locate(binding.written),
        notLocal: notLocal(binding),
      };
    }),
  );
}

/** Who binds whom, over every environment of the workspace: `service@environment` → its dependents. */
function dependentsOf(workspace: Workspace): Map<string, BoundBy[]> {
  const dependents = new Map<string, BoundBy[]>();
  for (const service of workspace.services) {
    for (const environment of Object.values(service.environments)) {
      for (const edge of outgoing(workspace, environment)) {
        if (edge.from === edge.to) continue;
        const list = dependents.get(edge.to) ?? [];
        list.push({ service: service.name, environment: environment.name, binding: edge.binding.name });
        dependents.set(edge.to, list);
      }
    }
  }
  return dependents;
}
