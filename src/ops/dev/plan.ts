/** Which services `dev` runs, which of them have a hostname, and how that reads. */
import { kindOf } from "../../bindings/index.ts";
import { TroupeError } from "../../errors.ts";
import { closure, type Graph } from "../../graph/index.ts";
import { hostLabel } from "../../host/hostname.ts";
import { isInside } from "../../lib/is-inside.ts";
import { type Binding, type Environment, isPrivate, PRODUCTION, type Workspace } from "../../model.ts";
import { selectEnvironments, selectServices } from "../select.ts";
import { applyOverrides } from "./overrides.ts";
import type { Stored } from "./stored.ts";
import type { DevOptions, GraphView } from "./types.ts";

export interface Plan {
  /** With what was taken from the store. */
  workspace: Workspace;
  /** Set when something was: what it has is not built, and its files are not watched. */
  stored?: Stored;
  graph: Graph;
  /** Worker id of the service that answers at `localhost`. */
  primary: string;
  /** First label of a hostname → worker id. */
  hosts: Map<string, string>;
  /** Worker ids whose build settings and vars the command line overrides. */
  overridden: string[];
}

/**
 * @param stored what the store has of the services that the workspace lacks
 * @throws TroupeError NOT_FOUND for a service that the workspace does not have, or an environment that no chosen service has
 */
export function planDev(workspace: Workspace, options: DevOptions, stored?: Stored): Plan {
  const environments = selectEnvironments(selectServices(workspace, options), options.env);
  const roots = environments.map((environment, index) =>
    index === 0 || options.service !== undefined ? applyOverrides(environment, options) : environment,
  );
  const whole = stored?.workspace ?? workspace;
  const graph = closure(whole, roots);
  const primary = graph.roots[0]!;
  return {
    workspace: whole,
    ...(stored && { stored }),
    graph,
    primary,
    hosts: hostnames(graph, primary, options.expose),
    overridden: options.service ? graph.roots : [primary],
  };
}

function hostnames(graph: Graph, primary: string, expose: DevOptions["expose"]): Map<string, string> {
  const known = [...graph.environments.values()].map(({ service }) => service);
  const unknown = Array.isArray(expose) ? expose.find((name) => !known.includes(name)) : undefined;
  if (unknown !== undefined) {
    throw new TroupeError("NOT_FOUND", `There is no service "${unknown}" to expose`, {
      notes: [`services: ${known.join(", ")}`],
    });
  }
  const hosts = new Map<string, string>();
  const open = [...graph.environments].filter(
    ([id, environment]) =>
      id === primary ||
      !isPrivate(environment) ||
      expose === true ||
      (Array.isArray(expose) && expose.includes(environment.service)),
  );
  for (const [id, environment] of open)
    hosts.set(hostLabel({ service: environment.service, environment: environment.name }), id);
  // The bare service name leads to its only or its chosen environment, when production does not have it already.
  for (const [id, environment] of open) {
    const bare = hostLabel({ service: environment.service, environment: PRODUCTION });
    if (!hosts.has(bare)) hosts.set(bare, id);
  }
  return hosts;
}

/** Why nobody answers at a hostname that would be a running service's. */
export function whyClosed({ graph }: Plan, label: string): string | undefined {
  const owner = [...graph.environments.values()].find(({ service, name }) =>
    [name, PRODUCTION].some((environment) => hostLabel({ service, environment }) === label),
  );
  if (!owner) return undefined;
  return `${owner.service} is private: only bindings reach it, unless "troupe dev --expose ${owner.service}" opens it.`;
}

/** The address of every worker that has one: by service name, or `service@environment` where a service runs twice. */
export function urlsOf(plan: Plan, origin: (label: string) => string): Record<string, string> {
  const urls: Record<string, string> = {};
  const ids = new Set(plan.hosts.values());
  for (const id of [...plan.graph.environments.keys()].filter((candidate) => ids.has(candidate))) {
    const environment = plan.graph.environments.get(id)!;
    const labels = [...plan.hosts].filter(([, target]) => target === id).map(([label]) => label);
    const bare = hostLabel({ service: environment.service, environment: PRODUCTION });
    const hasBare = labels.includes(bare);
    urls[hasBare ? environment.service : id] = origin(hasBare ? bare : labels[0]!);
  }
  return urls;
}

/**
 * The graph as data for people and programs.
 * @param values how values read that are not the config's (`LocalValues.shown`)
 */
export function viewGraph(
  plan: Plan,
  urls: Record<string, string>,
  values?: ReadonlyMap<string, Record<string, string>>,
): GraphView {
  return {
    services: [...plan.graph.environments].map(([id, environment]) => ({
      service: environment.service,
      environment: environment.name,
      url:
        urls[id] ??
        (plan.hosts.get(hostLabel({ service: environment.service, environment: PRODUCTION })) === id
          ? urls[environment.service]
          : undefined),
      private: isPrivate(environment),
      bindings: [...environment.bindings, ...unwritten(environment, values?.get(id))].map((binding) => {
        const edge = plan.graph.edges.find((candidate) => candidate.from === id && candidate.binding === binding);
        const local = kindOf(binding).processEnv && values?.get(id)?.[binding.name];
        return {
          name: binding.name,
          kind: binding.kind,
          describe: local || kindOf(binding).describe(binding),
          ...(edge && {
            service: edge.resolution.ref.service,
            environment: edge.resolution.ref.environment,
            why: plan.stored?.has(edge.to) ? "deployed" : edge.resolution.reason,
            missing: edge.resolution.missing,
          }),
        };
      }),
    })),
  };
}

/** Values that only local files or the command line name: code finds them in `env` all the same. */
function unwritten({ bindings, configPath, name: environment }: Environment, values = {}): Binding[] {
  const written = { file: configPath, path: [], environment };
  return Object.keys(values)
    .filter((name) => !bindings.some((binding) => binding.name === name))
    .map((name) => ({ name, kind: "secret", inEnv: true, entry: {}, origin: "own", written }));
}

/** Worker ids are `service@environment`. */
export function splitId(id: string): { service: string; environment: string } {
  const at = id.lastIndexOf("@");
  return at < 0
    ? { service: id, environment: PRODUCTION }
    : { service: id.slice(0, at), environment: id.slice(at + 1) };
}

/** Those whose sources are here. */
export function ownEnvironments({ graph, stored }: Plan): Map<string, Environment> {
  return new Map([...graph.environments].filter(([id]) => !stored?.has(id)));
}

/** Whether anything in the graph keeps data. */
export function keepsData({ graph }: Plan): boolean {
  return [...graph.environments.values()].some(({ bindings }) =>
    bindings.some((binding) => binding.resource || kindOf(binding).state !== "none"),
  );
}

/** What bindings read besides code and config: static assets, certificates. */
export function boundFiles({ graph }: Plan): { files: string[]; folders: string[] } {
  const read = [...graph.environments.values()].map(filesBoundBy);
  return { files: read.flatMap(({ files }) => files), folders: read.flatMap(({ folders }) => folders) };
}

/** Worker ids of the services whose bindings read one of these files. */
export function boundTo({ graph }: Plan, changed: readonly string[]): string[] {
  return [...graph.environments].flatMap(([id, environment]) => {
    const { files, folders } = filesBoundBy(environment);
    return changed.some((file) => files.includes(file) || folders.some((folder) => isInside(file, folder))) ? [id] : [];
  });
}

function filesBoundBy(environment: Environment): { files: string[]; folders: string[] } {
  const read = environment.bindings.map((binding) => kindOf(binding).watch?.(binding, environment) ?? {});
  return { files: read.flatMap(({ files = [] }) => files), folders: read.flatMap(({ folders = [] }) => folders) };
}
