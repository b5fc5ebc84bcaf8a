/** What a workspace binds and does not have, taken from the environments that were deployed to its store. */
import { existsSync } from "node:fs";
import path from "node:path";
import type { Graph } from "../../graph/index.ts";
import type { Bundle, Environment, Workspace } from "../../model.ts";
import type { Deployed } from "../../targets/local/deployed.ts";

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
    const taken = new Map<string, { bundle: Bundle; secrets: Record<string, string> }>();
    for (const [id, deployed] of found.deployed) {
      if (known.has(deployed.ref.service)) continue;
      taken.set(id, {
        bundle: store.loadBundle(deployed.version),
        secrets: store.openSecrets(deployed.version.secrets),
      });
      await useFiles(deployed, services);
    }
    return {
      workspace: { ...workspace, services: [...workspace.services, ...services] },
      bundle: (id) => taken.get(id)?.bundle,
      secrets: (id) => taken.get(id)?.secrets,
      has: (id) => taken.has(id),
    };

    async function useFiles({ ref, version, environment }: Deployed, all: Workspace["services"]): Promise<void> {
      const dir = await writeFiles(path.join(state, "files"), version.files, (file) => store.loadFile(file));
      if (dir === undefined) return;
      const own: Environment = { ...environment, dir };
      all.find(({ name }) => name === ref.service)!.environments[ref.environment] = own;
    }
  } finally {
    store.close();
  }
}
