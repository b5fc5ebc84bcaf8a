/** What a workspace binds and does not have, taken from the environments that were deployed to its store. */
import { existsSync } from "node:fs";
import path from "node:path";
import { closure, type Graph } from "../../graph/index.ts";
import type { Bundle, Workspace } from "../../model.ts";

export interface Stored {
  /** The workspace with the deployed services that it lacks. */
  workspace: Workspace;
  /** By worker id. */
  bundle(id: string): Bundle | undefined;
  secrets(id: string): Record<string, string> | undefined;
  has(id: string): boolean;
}

/**
 * @param graph of the workspace alone
 * @returns undefined when nothing is missing, or nothing was deployed
 * @throws TroupeError STORE
 */
export async function fromStore(workspace: Workspace, graph: Graph, state: string): Promise<Stored | undefined> {
  const known = new Set(workspace.services.map(({ name }) => name));
  const missing = graph.edges.some(({ resolution: { environment, ref } }) => !environment && !known.has(ref.service));
  if (!missing || !existsSync(path.join(state, "store.db"))) return undefined;
  const [{ openStore }, { deployedWorkspace }, { writeFiles }] = await Promise.all([
    import("../../store/index.ts"),
    import("../../targets/local/deployed.ts"),
    import("../../targets/local/spec.ts"),
  ]);
  const store = openStore(state);
  try {
    const found = deployedWorkspace(store);
    const services = found.services.filter(({ name }) => !known.has(name));
    const whole = { ...workspace, services: [...workspace.services, ...services] };
    const roots = graph.roots.map((id) => graph.environments.get(id)!);
    const needed = [...closure(whole, roots).environments.keys()].filter((id) => !graph.environments.has(id));
    const taken = new Map<string, { bundle: Bundle; secrets: Record<string, string> }>();
    for (const id of needed) {
      const { ref, version, environment } = found.deployed.get(id)!;
      taken.set(id, { bundle: store.loadBundle(version), secrets: store.openSecrets(version.secrets) });
      const dir = await writeFiles(path.join(state, "files"), version.files, (file) => store.loadFile(file));
      if (dir === undefined) continue;
      const { environments } = services.find(({ name }) => name === ref.service)!;
      Object.defineProperty(environments, ref.environment, { value: { ...environment, dir }, enumerable: true });
    }
    return {
      workspace: whole,
      bundle: (id) => taken.get(id)?.bundle,
      secrets: (id) => taken.get(id)?.secrets,
      has: (id) => taken.has(id),
    };
  } finally {
    store.close();
  }
}
