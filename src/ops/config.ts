/** The resolved config, and where every value of it comes from. */
import { kindOf } from "../bindings/index.ts";
import { type Explanation, explain, load, resolvedConfig } from "../config/index.ts";
import { type Diagnostic, TroupeError } from "../errors.ts";
import type { BindingOrigin, Dialect, Resource } from "../model.ts";
import { type Selection, selectEnvironments, selectServices } from "./select.ts";

export { configSchema } from "../config/index.ts";

export interface ResolvedBinding {
  name: string;
  kind: string;
  /** What it points at, in a few words. */
  describe: string;
  resource?: Resource;
  origin: BindingOrigin;
}

export interface ResolvedService {
  service: string;
  environment: string;
  dialect: Dialect;
  /** Absolute path of the config file. */
  file: string;
  /** The Worker's name on Cloudflare's network. */
  scriptName: string;
  /** All environments that the file knows. */
  environments: string[];
  /** Everything written for this environment and inherited by it, in the file's own keys. */
  config: Record<string, unknown>;
  bindings: ResolvedBinding[];
}

export interface ConfigResult {
  /** Absolute folder. */
  root: string;
  services: ResolvedService[];
  warnings: Diagnostic[];
}

/**
 * Resolves the chosen services in one environment each.
 * @throws TroupeError CONFIG, NOT_FOUND
 */
export async function resolveConfig(selection: Selection): Promise<ConfigResult> {
  const loaded = await load(selection);
  const { workspace, warnings } = loaded;
  const environments = selectEnvironments(selectServices(workspace, selection), selection.env);
  const services = environments.map((environment): ResolvedService => {
    const { service, name, dialect, configPath, scriptName, bindings } = environment;
    const { environments: known } = workspace.services.find((each) => each.name === service)!;
    return {
      service,
      environment: name,
      dialect,
      file: configPath,
      scriptName,
      environments: Object.keys(known),
      config: resolvedConfig(loaded, environment),
      bindings: bindings.map((binding) => ({
        name: binding.name,
        kind: binding.kind,
        describe: kindOf(binding).describe(binding),
        ...(binding.resource && { resource: binding.resource }),
        origin: binding.origin,
      })),
    };
  });
  return { root: workspace.root, services, warnings };
}

export interface ExplainResult {
  /** Absolute folder of the workspace. */
  root: string;
  explanations: Explanation[];
  warnings: Diagnostic[];
}

/**
 * Says where a key's value comes from, for every chosen service that knows it.
 * @param key a dotted path ("vars.GREETING"), or the name of a binding
 * @throws TroupeError CONFIG, NOT_FOUND
 */
export async function explainConfig(selection: Selection, key: string): Promise<ExplainResult> {
  const loaded = await load(selection);
  const environments = selectEnvironments(selectServices(loaded.workspace, selection), selection.env);
  const explanations: Explanation[] = [];
  let unknown: TroupeError | undefined;
  for (const environment of environments) {
    try {
      explanations.push(...(await explain(loaded, environment, key)));
    } catch (error) {
      if (!(error instanceof TroupeError) || error.code !== "NOT_FOUND") throw error;
      unknown ??= error;
    }
  }
  // At a workspace's root a key that one service has need not be known to the others.
  if (explanations.length === 0 && unknown) throw unknown;
  return { root: loaded.workspace.root, explanations, warnings: loaded.warnings };
}
