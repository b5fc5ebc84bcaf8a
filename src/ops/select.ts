/** Which services and environments a command is about: the one whose folder you stand in, or all of the workspace. */
import { loadWorkspace } from "../config/index.ts";
import { type Diagnostic, TroupeError } from "../errors.ts";
import { type Environment, PRODUCTION, type Service, type Workspace } from "../model.ts";

/** The flags that choose, as every command has them. */
export interface Selection {
  cwd: string;
  config?: string[];
  env?: string;
  service?: readonly string[];
  processEnv: Record<string, string | undefined>;
}

/**
 * Loads the workspace of a selection.
 * @throws TroupeError CONFIG with every error of the files; NOT_FOUND for an environment that cannot be
 */
export async function selectWorkspace(selection: Selection): Promise<{ workspace: Workspace; warnings: Diagnostic[] }> {
  const { cwd, config, env, processEnv } = selection;
  // No environment can be called so, and every table of environments seems to have it.
  if (env && env in Object.prototype) throw new TroupeError("NOT_FOUND", `There is no environment "${env}"`);
  return loadWorkspace({ cwd, config, env, processEnv });
}

/**
 * The services chosen: those named, else the one whose folder the command stands in, else all.
 * @throws TroupeError NOT_FOUND for a name that the workspace does not have
 */
export function selectServices(workspace: Workspace, selection: Pick<Selection, "service">): Service[] {
  const here = workspace.current === undefined ? undefined : [workspace.current];
  const names = selection.service ?? here;
  if (!names) return workspace.services;
  return names.map((name) => {
    const service = workspace.services.find((candidate) => candidate.name === name);
    if (service) return service;
    const known = workspace.services.map((candidate) => candidate.name).join(", ");
    throw new TroupeError("NOT_FOUND", `There is no service "${name}" in this workspace`, {
      notes: [`services: ${known}`],
    });
  });
}

/**
 * One environment of each service: the named one; a service that lacks it gives its default (`production`).
 * @throws TroupeError NOT_FOUND when no service has the named environment
 */
export function selectEnvironments(services: readonly Service[], env: string | undefined): Environment[] {
  if (env && !services.some((service) => service.environments[env])) {
    const known = [...new Set(services.flatMap((service) => Object.keys(service.environments)))].join(", ");
    throw new TroupeError("NOT_FOUND", `No service here has an environment "${env}"`, {
      notes: [`environments: ${known}`],
    });
  }
  return services.map(
    (service) =>
      (env ? service.environments[env] : undefined) ??
      service.environments[service.defaultEnvironment] ??
      service.environments[PRODUCTION]!,
  );
}
