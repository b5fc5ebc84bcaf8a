/** Which environment of which service a reference means (docs/config.md, "Which environment is bound"). */
import type { Reference } from "../bindings/kind.ts";
import { type Environment, type EnvironmentRef, PRODUCTION, refId, type Workspace } from "../model.ts";

/** A reference resolved by name: the environment it means, why, and what is wrong when there is no such thing. */
export interface Resolution {
  ref: EnvironmentRef;
  /** For people: "written", "same name", 'auth has no "staging"'. */
  reason: string;
  /** The environment, when the workspace has it. */
  environment?: Environment;
  /** The sentence to show when it has not. */
  missing?: string;
}

/**
 * Resolves a reference that `from` makes.
 *
 * troupe.toml: the environment written; left out, the same-named one if that service has it, else production.
 * wrangler.*: `service` is a script name (`auth`, `auth-staging`), taken literally as Wrangler does; `environment`, which
 * Wrangler ignores, picks an environment of the service named; a copy of an environment follows its own copies. A script name works in troupe.toml too, if no service has
 * that name.
 */
export function resolveReference(workspace: Workspace, from: Environment, reference: Reference): Resolution {
  const written = reference.environment;
  const name = reference.service;
  if (name === undefined) {
    if (written === undefined || written === from.name) return found(from, "itself");
    return pick(workspace, from, from.service, written);
  }
  if (written === undefined) {
    if (from.dialect === "wrangler") {
      const byScript = environmentByScriptName(workspace, name);
      if (byScript) return followed(workspace, from, byScript) ?? found(byScript, "script name");
    } else if (!serviceNamed(workspace, name)) {
      const byScript = environmentByScriptName(workspace, name);
      if (byScript) return found(byScript, "script name");
    }
  }
  return pick(workspace, from, name, written);
}

/** A copy of staging that names `auth-staging` means its own `auth`, if there is one: the copy of a whole graph is one. */
function followed(workspace: Workspace, from: Environment, to: Environment): Resolution | undefined {
  const own = from.copyOf === to.name ? serviceNamed(workspace, to.service)?.environments[from.name] : undefined;
  return own && found(own, "same name");
}

function pick(workspace: Workspace, from: Environment, name: string, written: string | undefined): Resolution {
  const service = serviceNamed(workspace, name);
  if (!service) {
    const ref = { service: name, environment: written ?? PRODUCTION };
    return { ref, reason: "not in this workspace", missing: missingService(name) };
  }
  if (written !== undefined) {
    const { environments } = service;
    const environment = Object.hasOwn(environments, written) ? environments[written] : undefined;
    if (environment) return found(environment, "written");
    const known = Object.keys(service.environments).join(", ");
    return {
      ref: { service: name, environment: written },
      reason: "written",
      missing: `Service "${name}" has no environment "${written}" (it has: ${known}). Add [env.${written}] to its config, or change \`environment\`.`,
    };
  }
  const same = service.environments[from.name];
  if (same && from.dialect === "troupe") return found(same, "same name");
  const production = service.environments[PRODUCTION] ?? service.environments[service.defaultEnvironment];
  if (!production) {
    const known = Object.keys(service.environments).join(", ");
    return {
      ref: { service: name, environment: PRODUCTION },
      reason: `${name} has no "${from.name}"`,
      missing: `Service "${name}" has neither an environment "${from.name}" nor "${PRODUCTION}" (it has: ${known}). Deploy one of them, or name another with \`environment\`.`,
    };
  }
  return found(production, production.name === from.name ? "same name" : `${name} has no "${from.name}"`);
}

function found(environment: Environment, reason: string): Resolution {
  return { ref: { service: environment.service, environment: environment.name }, reason, environment };
}

function serviceNamed(workspace: Workspace, name: string) {
  return workspace.services.find((service) => service.name === name);
}

function environmentByScriptName(workspace: Workspace, script: string): Environment | undefined {
  // Nearly always this one is meant. Of the others in a store each would have to be read to know its script's name.
  const namesake = serviceNamed(workspace, script)?.environments[PRODUCTION];
  if (namesake?.scriptName === script) return namesake;
  for (const service of workspace.services) {
    // Production first: with `[env.production]` two environments may be meant, and the literal name is production's.
    const production = service.environments[PRODUCTION];
    if (production?.scriptName === script) return production;
    for (const environment of Object.values(service.environments)) {
      if (environment.scriptName === script) return environment;
    }
  }
  return undefined;
}

/** The sentence for a service that is nowhere; shown at start, by `bindings`, and by the stand-in that answers for it. */
export function missingService(name: string): string {
  return `Service "${name}" is not running: it is neither in this workspace nor deployed. Add its folder to [workspace] members in the root config, pass its config with -c, or run \`troupe deploy\` for it.`;
}

/** Worker id of an environment, or of the stand-in for a missing one. */
export function workerId(resolution: Resolution): string {
  return resolution.environment ? refId(resolution.ref) : `troupe:missing:${refId(resolution.ref)}`;
}
