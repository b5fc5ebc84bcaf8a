/** The values of secrets and variables in a run of `dev`: of local files and the command line, or of the store. */
import { existsSync } from "node:fs";
import path from "node:path";
import { kindOf } from "../../bindings/index.ts";
import { loadLocalVars, PROCESS } from "../../config/index.ts";
import type { Diagnostic } from "../../errors.ts";
import type { Environment } from "../../model.ts";
import { ownEnvironments, type Plan } from "./plan.ts";
import type { DevOptions } from "./types.ts";

export interface LocalValues {
  /** By worker id, then by name. */
  values: Map<string, Record<string, string>>;
  /** How a value reads that is not in the config, by worker id and name: what is in a file may be a secret. */
  shown: Map<string, Record<string, string>>;
  /** Files to watch. */
  files: string[];
  warnings: Diagnostic[];
}

/** @throws TroupeError CONFIG when a file cannot be read */
export async function localValues(plan: Plan, options: DevOptions): Promise<LocalValues> {
  const { env, vars = {}, processEnv = {}, cwd } = options;
  // Node takes --env-file for its own flag wherever it stands, and ends when the folder it runs in has no such file
  // (https://github.com/nodejs/node/issues/54232): a path from there has to do for us as well.
  const envFiles = options.envFiles?.map((file) => {
    const here = path.resolve(cwd, file);
    return existsSync(here) ? here : file;
  });
  const result: LocalValues = { values: new Map(), shown: new Map(), files: [], warnings: [] };
  for (const id of plan.graph.environments.keys()) result.values.set(id, plan.stored?.secrets(id) ?? {});
  await Promise.all(
    [...ownEnvironments(plan)].map(async ([id, environment]) => {
      const local = await loadLocalVars(environment, { env, envFiles, processEnv });
      const given = plan.overridden.includes(id) ? vars : {};
      // The whole environment of a process may come in: only what the config names is worth a line.
      const known = ([name, from]: [string, string]) =>
        from !== PROCESS || environment.bindings.some((binding) => binding.name === name);
      const fromFiles = Object.entries(local.from)
        .filter(known)
        .map(([name, from]) => [name, `hidden, from ${from}`]);
      const fromFlags = Object.entries(given).map(([name, value]) => [name, `${JSON.stringify(value)}, from --var`]);
      result.values.set(id, { ...local.values, ...fromProcess(environment, processEnv), ...given });
      result.shown.set(id, Object.fromEntries([...fromFiles, ...fromFlags]));
      result.files.push(...local.files);
      result.warnings.push(...local.warnings);
    }),
  );
  return result;
}

/** Variables that bindings look for in the process's environment, where Wrangler looks for them first. */
function fromProcess(
  { bindings }: Environment,
  processEnv: Record<string, string | undefined>,
): Record<string, string> {
  const names = bindings.flatMap((binding) => kindOf(binding).variables?.(binding) ?? []);
  return Object.fromEntries(names.flatMap((name) => (processEnv[name] ? [[name, processEnv[name]] as const] : [])));
}
