/** Reading the config of a run, and choosing what runs. */
import { loadWorkspace } from "../../config/index.ts";
import { type Diagnostic, throwIfErrors } from "../../errors.ts";
import type { Workspace } from "../../model.ts";
import { conflictDiagnostics, runDiagnostics } from "../conflicts.ts";
import { stateDir } from "../state.ts";
import { type Plan, planDev } from "./plan.ts";
import { fromStore } from "./stored.ts";
import type { DevOptions } from "./types.ts";

/** @throws TroupeError CONFIG, NOT_FOUND */
export function readWorkspace(options: DevOptions): Promise<{ workspace: Workspace; warnings: Diagnostic[] }> {
  const { cwd, config, env, processEnv = {}, overrides } = options;
  const mainGiven = (overrides?.main ?? overrides?.assets) !== undefined;
  return loadWorkspace({ cwd, config, env, processEnv, mainGiven });
}

/**
 * What runs of a workspace, with what the store has of the services that it lacks.
 * @throws TroupeError CONFIG, NOT_FOUND
 */
export async function choosePlan(workspace: Workspace, options: DevOptions): Promise<Plan> {
  const alone = planDev(workspace, options);
  const stored = await fromStore(workspace, alone.graph, stateOf(workspace, options));
  const plan = stored ? planDev(workspace, options, stored) : alone;
  const running = [...plan.graph.environments.values()];
  throwIfErrors("CONFIG", [...(await conflictDiagnostics(running)), ...(await runDiagnostics(running))]);
  return plan;
}

/** The folder for state of a run. */
export function stateOf({ root }: Workspace, { stateDir: chosen, cwd, processEnv = {} }: DevOptions): string {
  return stateDir(root, { stateDir: chosen, cwd, processEnv });
}
