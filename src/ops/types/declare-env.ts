/** Declarations of `env` and what goes with it, for one service. */
import { kindOf } from "../../bindings/index.ts";
import { classesAfter } from "../../bindings/migrations.ts";
import { nodeCompat } from "../../bundle/node-compat.ts";
import { loadLocalVars } from "../../config/index.ts";
import { type Bundle, type Environment, PRODUCTION, refId, type Workspace } from "../../model.ts";
import { envMembers } from "./env-members.ts";
import { importTypes } from "./import-types.ts";
import { moduleTypes } from "./modules.ts";
import { renderEnv } from "./render.ts";

export interface DeclareEnvInput {
  workspace: Workspace;
  /** The environments of one service; the first one decides what can be only once. */
  environments: readonly Environment[];
  /** The file that the declarations are for: paths in them are relative to it. */
  file: string;
  /** By `service@environment`. One that is absent could not be built. */
  bundles: ReadonlyMap<string, Bundle>;
  processEnv: Record<string, string | undefined>;
  envFiles?: string[];
  includeMainModule?: boolean;
  strictVars?: boolean;
  envInterface?: string;
}

/** @returns TypeScript declarations of all that a service's config gives its code */
export async function declareEnv(input: DeclareEnvInput): Promise<string> {
  const { workspace, environments, file, bundles, ...options } = input;
  const [first] = environments as [Environment];
  const types = importTypes(workspace, file, bundles);
  const format = bundles.get(refId({ service: first.service, environment: first.name }))?.format ?? "modules";
  const members = envMembers({
    environments,
    types,
    strictVars: options.strictVars !== false,
    localNames: await localNames(environments, options),
  });
  const mainModule = options.includeMainModule === false ? undefined : types.specifier(first);
  return renderEnv({
    interfaceName: options.envInterface ?? "Env",
    format,
    members,
    environmentInterfaces: environments.length > 1,
    ...(mainModule !== undefined && { mainModule }),
    durableObjects: durableObjects(environments),
    processEnv: fillsProcessEnv(first),
    modules: moduleTypes(environments),
  });
}

/** Names in `.dev.vars` and `.env` count as long as the config does not say itself which secrets there are. */
async function localNames(
  environments: readonly Environment[],
  options: Pick<DeclareEnvInput, "processEnv" | "envFiles">,
): Promise<Map<string, string[]>> {
  // The whole of the shell's environment is nothing that code should be written against.
  const { CLOUDFLARE_INCLUDE_PROCESS_ENV: _, ...processEnv } = options.processEnv;
  const entries = environments.map(async (environment) => {
    const env = environment.name === PRODUCTION ? undefined : environment.name;
    const { values } = await loadLocalVars(environment, { env, envFiles: options.envFiles, processEnv });
    return [environment.name, Object.keys(values)] as const;
  });
  return new Map(await Promise.all(entries));
}

/** Classes of the service's own that are Durable Objects, by its history and by what it binds. */
function durableObjects(environments: readonly Environment[]): string[] {
  const names = environments.flatMap(({ service, migrations, settings, bindings }) => {
    const declared = Object.entries((settings.exports ?? {}) as Record<string, { type?: string }>);
    const bound = bindings.flatMap((binding) => kindOf(binding).references?.(binding) ?? []);
    return [
      ...classesAfter(migrations).keys(),
      ...declared.filter(([, { type }]) => type === "durable-object").map(([name]) => name),
      ...bound
        .filter((reference) => reference.role === "durable-object" && (reference.service ?? service) === service)
        .map((reference) => reference.exportName!),
    ];
  });
  return [...new Set(names)];
}

/** https://developers.cloudflare.com/workers/configuration/compatibility-flags/#enable-auto-populating-processenv */
function fillsProcessEnv(environment: Environment): boolean {
  const { compatibilityDate, compatibilityFlags: flags } = environment;
  if (!["v1", "v2"].includes(nodeCompat(environment))) return false;
  if (flags.includes("nodejs_compat_do_not_populate_process_env")) return false;
  return flags.includes("nodejs_compat_populate_process_env") || compatibilityDate >= "2025-04-01";
}
