/** Config files → the resolved model. What the rules are: docs/config.md. */
import type { Diagnostic } from "../errors.ts";
import type { Workspace } from "../model.ts";
import { type LoadOptions, load } from "./load.ts";

export { type Explanation, explain, resolvedConfig, type WrittenValue } from "./explain.ts";
export { configSchema } from "./json-schema.ts";
export { type Loaded, type LoadOptions, load } from "./load.ts";
export { type LocalVars, type LocalVarsOptions, loadLocalVars } from "./local-vars.ts";
export { environmentNameFault } from "./names.ts";
export { locate } from "./position.ts";
export { mentions, resolveStored, type StoredConfig, type StoredOptions } from "./stored.ts";
export { resolveEnvironment } from "./troupe-service.ts";

/**
 * Finds, reads and resolves the workspace that a folder (or files named with -c) belongs to.
 * @throws TroupeError CONFIG with every error of all files and environments at once, or when there is no config;
 *   NOT_FOUND for an environment that no service has
 */
export async function loadWorkspace(options: LoadOptions): Promise<{ workspace: Workspace; warnings: Diagnostic[] }> {
  const { workspace, warnings } = await load(options);
  return { workspace, warnings };
}
