/** Names of services and environments, for completion. */
import { selectWorkspace } from "./select.ts";
import { type TargetSelection, withTarget } from "./target.ts";

export interface KnownNames {
  service: string[];
  env: string[];
}

/**
 * What the config and the local store know. A config with mistakes in it, or a store that cannot be read, adds no names: to tell
 * of them is not the moment.
 */
export async function knownNames(selection: TargetSelection): Promise<KnownNames> {
  const { workspace } = await selectWorkspace({ ...selection, env: undefined }).catch(() => ({ workspace: undefined }));
  const written = (workspace?.services ?? []).map(({ name, environments }) => ({
    service: name,
    names: Object.keys(environments),
  }));
  const options = workspace ? { workspace } : {};
  const listed = await withTarget(selection, options, ({ target }) => target.list()).catch(() => []);
  const all = [...written, ...listed.map(({ service, name }) => ({ service, names: [name] }))];
  return {
    service: [...new Set(all.map(({ service }) => service))],
    env: [...new Set(all.flatMap(({ names }) => names))],
  };
}
