/** Bundles of many environments at once, for commands that look at code without running it. */
import { createBundler } from "../bundle/index.ts";
import type { BundleOptions } from "../bundle/types.ts";
import { type Diagnostic, TroupeError } from "../errors.ts";
import { type Bundle, type Environment, refId } from "../model.ts";
import { settingLocator } from "./setting-location.ts";

/** A bundle, or why there is none. */
export type Built = { bundle: Bundle; warnings: Diagnostic[] } | { bundle?: undefined; errors: Diagnostic[] };

/** How many builds run at a time: esbuild itself uses every core, more builds only take more memory. */
const AT_ONCE = 4;

export interface BuildManyOptions extends Pick<BundleOptions, "processEnv"> {
  /** Aborted: builds stop, with the commands they run. */
  signal?: AbortSignal;
}

/**
 * Builds each environment once, for production; those that differ in nothing a build reads share one build.
 * @returns by `service@environment`; faults of the code are data, since other services can still be looked at
 * @throws TroupeError INTERNAL
 */
export async function buildEnvironments(
  environments: readonly Environment[],
  options: BuildManyOptions = {},
): Promise<Map<string, Built>> {
  const groups = new Map<string, Environment[]>();
  for (const environment of environments) {
    const key = buildInputs(environment);
    groups.set(key, [...(groups.get(key) ?? []), environment]);
  }
  const built = new Map<string, Built>();
  const waiting = [...groups.values()];
  const work = async (): Promise<void> => {
    for (let group = waiting.shift(); group; group = waiting.shift()) {
      const result = await build(group[0]!, options);
      for (const { service, name } of group) built.set(refId({ service, environment: name }), result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, waiting.length) }, work));
  return built;
}

/** Equal for two environments whose bundles come out equal. */
function buildInputs({ main, dir, build, compatibilityDate, compatibilityFlags }: Environment): string {
  return JSON.stringify([main, dir, build, compatibilityDate, compatibilityFlags]);
}

async function build(environment: Environment, { processEnv, signal }: BuildManyOptions): Promise<Built> {
  try {
    const locate = settingLocator(environment);
    const bundler = await createBundler(environment, { sourceMaps: false, mode: "production", processEnv, locate });
    const stop = () => void bundler.dispose();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      signal?.throwIfAborted();
      const { bundle, warnings } = await bundler.build();
      return { bundle, warnings };
    } finally {
      signal?.removeEventListener("abort", stop);
      await bundler.dispose();
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof TroupeError) || error.code === "INTERNAL") throw error;
    const { message, location, notes, diagnostics } = error;
    const own: Diagnostic = { severity: "error", code: "build", message, notes, ...(location && { location }) };
    return { errors: diagnostics.length > 0 ? diagnostics : [own] };
  }
}
