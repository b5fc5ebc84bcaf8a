/** The environments of an account as a workspace, so that references are looked up among them. */
import { type Environment, NO_BUILD, PRODUCTION, type Service, type Workspace } from "../../model.ts";
import type { Wanted } from "./plan.ts";
import type { Shelf, Stored } from "./shelf.ts";

/**
 * What is deployed, with what is about to be. Of what the account has only its place is known: its name, and what it is a
 * config of, where the workspace has that.
 */
export async function deployedView(
  shelf: Shelf,
  wanted: readonly Pick<Wanted, "ref" | "environment">[],
  workspace: Workspace | undefined,
): Promise<Workspace> {
  const services = new Map<string, Service>();
  const put = (service: string, name: string, environment: Environment) => {
    const known = services.get(service) ?? empty(service);
    known.environments[name] = environment;
    services.set(service, known);
  };
  for (const stored of (await shelf.all()).values()) {
    put(stored.ref.service, stored.ref.environment, placeOf(stored, workspace));
  }
  for (const { ref, environment } of wanted) put(ref.service, ref.environment, environment);
  return { root: workspace?.root ?? "", services: [...services.values()], files: [], memberFolders: [] };
}

function placeOf({ ref, script }: Stored, workspace: Workspace | undefined): Environment {
  const service = workspace?.services.find(({ name }) => name === ref.service);
  const written = service?.environments[ref.environment];
  return { ...(written ?? bareEnvironment(ref.service, ref.environment)), scriptName: script.id };
}

/** Nothing but a name. */
export function bareEnvironment(service: string, name: string): Environment {
  return {
    service,
    name,
    scriptName: name === PRODUCTION ? service : `${service}-${name}`,
    dialect: "wrangler",
    configPath: "",
    dir: "",
    compatibilityDate: "",
    compatibilityFlags: [],
    bindings: [],
    crons: [],
    routes: [],
    protected: false,
    migrations: [],
    build: { ...NO_BUILD, noBundle: false },
    settings: {},
    written: {},
  };
}

function empty(name: string): Service {
  return {
    name,
    dialect: "wrangler",
    configPath: "",
    dir: "",
    environments: {},
    defaultEnvironment: PRODUCTION,
    source: {},
  };
}
