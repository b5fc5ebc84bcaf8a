/** What the triggers of one Worker are told: what is wanted, and what was there before. */
import type { Around } from "./brief.ts";
import type { DeployAllRequest } from "./deploy.ts";
import { tagsFor, withProtection } from "./draft.ts";
import type { NetVersion, Network } from "./network.ts";
import type { Planned } from "./plan.ts";
import { marksOf } from "./replaced.ts";
import type { TriggerContext } from "./trigger.ts";

/** @param tags that the Worker has by now. Default: as it was found */
export async function triggerContext(
  network: Network,
  each: Planned,
  request: DeployAllRequest,
  tags: readonly string[] = each.state?.script.tags ?? [],
): Promise<TriggerContext> {
  const { environment, about } = each;
  const previous = (await replacedBy(each, request)).map((replaced) => replaced.environment);
  return { network, environment, about, metadata: each.metadata(), tags: tagsOf(each, tags), previous };
}

/** As Wrangler marks them, so that the dashboard groups the environments of a service. */
function tagsOf({ ref, environment }: Planned, before: readonly string[]): string[] {
  const tags = tagsFor(ref, before);
  return environment.protected ? withProtection(tags, true) : tags;
}

/** Versions that it takes the place of: those that are live, and those that an earlier attempt has left something of. */
export async function replacedBy(
  { state, changed, environment: { scriptName } }: Planned,
  { contentOf }: DeployAllRequest,
): Promise<{ version: NetVersion; environment: Around }[]> {
  if (!state) return [];
  const live = new Set(changed ? state.deployments[0]?.versions.map(({ version_id }) => version_id) : []);
  const left = new Set(marksOf(state.script.tags ?? []));
  const versions = state.versions.filter(({ id, number }) => live.has(id) || left.has(number));
  const found = await Promise.all(
    versions.map(async (version) => {
      const { record, brief } = (await contentOf(scriptName, version)) ?? {};
      const environment = record?.environment ?? brief?.around;
      return environment ? [{ version, environment }] : [];
    }),
  );
  return found.flat();
}
