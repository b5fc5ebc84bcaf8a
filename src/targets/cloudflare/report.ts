/** What a deploy has changed, or would change, of each environment. */
import type { ChangeReport, ChangeResult } from "../target.ts";
import { changesBetween, changesSince } from "./changes.ts";
import type { DeployAllRequest } from "./deploy.ts";
import type { NetVersion, Network } from "./network.ts";
import type { Plan, Planned } from "./plan.ts";
import { triggerContext } from "./trigger-context.ts";
import { differingTriggers } from "./triggers.ts";

/** What became of one. */
export interface Outcome {
  /** What is live now, if that changed. */
  version?: NetVersion;
  /** What was changed around it, in words. */
  triggers: readonly string[];
}

/** What a dry run tells: nothing of it was done. */
export async function dryReport(
  network: Network,
  { planned, provisioned }: Plan,
  request: DeployAllRequest,
): Promise<ChangeReport> {
  const results = await Promise.all(
    planned.map(async (each) => {
      const context = await triggerContext(network, each, request);
      return resultOf(network, request, each, { triggers: each.state ? await differingTriggers(context) : [] });
    }),
  );
  const warnings = provisioned.made.map((what) => ({
    severity: "warning" as const,
    code: "resource-made",
    message: `${what} does not exist yet: the deploy makes it`,
  }));
  return { results, warnings };
}

/** @param outcome absent: nothing was done */
export async function resultOf(
  network: Network,
  request: DeployAllRequest,
  each: Planned,
  { version, triggers }: Outcome = { triggers: [] },
): Promise<ChangeResult> {
  const { ref, environment, bundle, active, oldest, state } = each;
  const subdomain = await network.subdomain();
  const enabled = environment.workersDev ?? environment.routes.length === 0;
  const custom = environment.routes.find(({ customDomain }) => customDomain)?.pattern;
  const hostname = custom ?? (enabled && subdomain ? `${environment.scriptName}.${subdomain}.workers.dev` : undefined);
  const next = each.waiting?.number ?? (state?.versions[0]?.number ?? 0) + 1;
  const number = version?.number ?? (each.changed ? next : (active?.number ?? 1));
  const changed = each.changed || triggers.length > 0;
  return {
    ...ref,
    version: number,
    changed,
    ...(hostname !== undefined && { hostname, url: `https://${hostname}` }),
    routes: environment.routes.map(({ pattern }) => pattern),
    contentHash: bundle.contentHash,
    size: bundle.size,
    changes: await changesOf(network, request, each, triggers),
    ...(changed && oldest && { previous: oldest.number }),
  };
}

/** In a few words each. A new version tells of triggers, too; without one, somebody else has changed those given. */
async function changesOf(
  network: Network,
  { contentOf }: DeployAllRequest,
  each: Planned,
  triggers: readonly string[],
): Promise<string[]> {
  const { environment, changed, oldest } = each;
  // Of a new Worker, everything is new.
  if (!oldest) return [];
  if (!changed) return [...triggers];
  const record = (await contentOf(environment.scriptName, oldest))?.record;
  return record ? changesSince(record, each, oldest) : changesBetween(network, each, oldest);
}
