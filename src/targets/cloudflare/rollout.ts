/** Moving the traffic of versions that share it, step by step. */
import { randomBytes } from "node:crypto";
import { TroupeError } from "../../errors.ts";
import { type EnvironmentRef, refId } from "../../model.ts";
import type { ChangeReport, ChangeResult, RolloutRequest } from "../target.ts";
import { deploymentAnnotations } from "./annotations.ts";
import { environmentInfos, versionInfo } from "./info.ts";
import { rollbackWanted } from "./moves.ts";
import { liveVersions, type NetVersion, sameShares } from "./network.ts";
import { Operation } from "./operation.ts";
import type { Wanted } from "./plan.ts";
import type { Shelf, Stored } from "./shelf.ts";

/** Two versions of an environment that share its traffic. */
interface Split {
  stored: Stored;
  older: NetVersion;
  newer: NetVersion;
  /** The newer one's. */
  percentage: number;
}

/**
 * Gives the newer versions another share. The last step, to either side, also brings what belongs to the version that stays:
 * crons, addresses, consumers. Of several environments, those where nothing is rolled out stay as they are.
 * @param change deploys a version that is there already to everybody
 * @throws TroupeError NOT_FOUND; PRECONDITION when none of them has anything that is rolled out
 */
export async function rollout(
  shelf: Shelf,
  request: RolloutRequest,
  change: (wanted: Wanted[]) => Promise<ChangeReport>,
): Promise<ChangeReport> {
  const { refs, percentage } = request;
  const splits: Split[] = [];
  for (const ref of refs) {
    const split = await splitOf(shelf, ref);
    if (split) splits.push(split);
  }
  if (splits.length === 0) throw noRollout(refs);
  if (percentage === 0 || percentage === 100) {
    const wanted: Wanted[] = [];
    for (const { stored, older, newer } of splits) {
      const { number } = percentage === 100 ? newer : older;
      const action = percentage === 100 ? "deploy" : "rollback";
      wanted.push({ ...(await rollbackWanted(shelf, stored.ref, number)), action });
    }
    return change(wanted);
  }
  if (!request.dryRun) await shift(shelf, splits, request);
  const results = await Promise.all(splits.map((split) => resultOf(shelf, split, percentage)));
  return { results, warnings: [] };
}

async function shift({ network }: Shelf, splits: readonly Split[], request: RolloutRequest): Promise<void> {
  const { percentage, message, author } = request;
  const operation = new Operation();
  const id = randomBytes(6).toString("hex");
  await operation.run(async () => {
    for (const split of splits) {
      const { stored, older, newer } = split;
      const about = `service ${refId(stored.ref)}`;
      const shares = sharesOf(split, percentage);
      if (sameShares(shares, sharesOf(split, split.percentage))) continue;
      operation.did(`${refId(stored.ref)} is back at ${split.percentage} % of version ${newer.number}`, () =>
        network.deploy(
          stored.script.id,
          sharesOf({ older, newer }, split.percentage),
          deploymentAnnotations({ action: "rollback", operation: `undo-${id}` }),
          { about },
        ),
      );
      const mark = { action: "deploy" as const, operation: id, ...(message !== undefined && { message }) };
      const annotations = deploymentAnnotations({ ...mark, ...(author !== undefined && { author }) });
      await network.deploy(stored.script.id, shares, annotations, { about });
    }
  });
}

function sharesOf({ older, newer }: Pick<Split, "older" | "newer">, percentage: number) {
  return [
    { version_id: newer.id, percentage },
    { version_id: older.id, percentage: 100 - percentage },
  ];
}

/** @returns undefined where one version gets all of the traffic. @throws TroupeError NOT_FOUND, PRECONDITION */
async function splitOf(shelf: Shelf, ref: EnvironmentRef): Promise<Split | undefined> {
  const stored = await shelf.need(ref);
  const [older, newer, ...others] = liveVersions(await shelf.state(stored));
  if (!older || !newer) return undefined;
  if (others.length === 0) {
    return { stored, newer: newer.version, older: older.version, percentage: newer.percentage };
  }
  throw new TroupeError("PRECONDITION", `More than two versions share the traffic of ${refId(ref)}`, {
    notes: ["Make one of them active: troupe rollback <version> --target cloudflare"],
  });
}

function noRollout(refs: readonly EnvironmentRef[]): TroupeError {
  const names = refs.map(refId).join(", ");
  return new TroupeError("PRECONDITION", `${names}: no rollout is under way, one version gets all of the traffic`, {
    notes: ["Start one: troupe deploy --target cloudflare --percentage 10"],
  });
}

async function resultOf(
  shelf: Shelf,
  { stored, newer, older, percentage }: Split,
  wanted: number,
): Promise<ChangeResult> {
  const [[info], state] = await Promise.all([environmentInfos(shelf, [stored]), shelf.state(stored)]);
  const { contentHash, size } = versionInfo(newer, state);
  return {
    ...stored.ref,
    version: newer.number,
    previous: older.number,
    changed: percentage !== wanted,
    ...(info?.hostname !== undefined && { hostname: info.hostname, url: `https://${info.hostname}` }),
    routes: [],
    contentHash,
    size,
    changes: [`${percentage} % → ${wanted} % of the traffic`],
  };
}
