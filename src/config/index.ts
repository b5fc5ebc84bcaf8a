/** Config files → the resolved model. What the rules are: docs/config.md. */
import type { Diagnostic } from "../errors.ts";
import type { Workspace } from "../model.ts";
import { Faults } from "./faults.ts";
import { type LoadOptions, load } from "./load.ts";
import { findWorkspace } from "./workspace.ts";

export { BUILD_KEYS } from "./build-settings.ts";
export { type Explanation, explain, resolvedConfig, type WrittenValue } from "./explain.ts";
export { configSchema } from "./json-schema.ts";
export { type Loaded, type LoadOptions, load } from "./load.ts";
export { type LocalVars, type LocalVarsOptions, loadLocalVars, PROCESS } from "./local-vars.ts";
export { environmentNameFault } from "./names.ts";
export { type ConfigNames, configNames } from "./names-of.ts";
export { locate } from "./position.ts";
export { mentions, resolveStored, type StoredConfig, type StoredOptions, storedConfig } from "./stored.ts";
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

/**
 * The folder of the workspace that a folder belongs to, whatever else is wrong in its files.
 * @throws TroupeError CONFIG when there is none
 */
export async function workspaceRoot(options: LoadOptions): Promise<string> {
  return (await findWorkspace(options, new Faults())).root;
}
