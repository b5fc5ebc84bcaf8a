/** Deleting environments, and the editions of resources that only they had. Originals are never deleted. */
import { TroupeError } from "../../errors.ts";
import { type Environment, refId } from "../../model.ts";
import type { Network } from "./network.ts";
import { editionsOf, findResource, removeResource, titleOf, type Used } from "./resources.ts";
import type { Shelf, Stored } from "./shelf.ts";

/**
 * Workers go first that bind others of them, so that none is refused; what is gone already is no fault: the same command may
 * be run again.
 * @param resources also deletes editions that no other Worker of the account binds
 * @returns editions that are left, in words
 * @throws TroupeError NOT_FOUND, AUTH, UNREACHABLE
 */
export async function deleteEnvironments(shelf: Shelf, all: readonly Stored[], resources: boolean): Promise<string[]> {
  const { network } = shelf;
  const editions = await ownEditions(shelf, all);
  for (const { ref, script } of all) {
    // The others of the group may bind it until they are gone as well.
    await network.api
      .delete(network.script(script.id), { query: { force: true }, about: `service ${refId(ref)}` })
      .catch(goneAlready);
  }
  const left: string[] = [];
  const used = editions.length > 0 ? await boundIds(network, new Set(all.map(({ script }) => script.id))) : new Set();
  for (const edition of editions) {
    const found = await findResource(network, edition);
    if (found === undefined || used.has(found)) continue;
    if (!resources) left.push(titleOf(edition));
    else if (!(await removeResource(network, edition, found))) left.push(`${titleOf(edition)} (it is not empty)`);
  }
  return left;
}

function goneAlready(error: unknown): void {
  if (!(error instanceof TroupeError) || error.code !== "NOT_FOUND") throw error;
}

async function ownEditions(shelf: Shelf, all: readonly Stored[]): Promise<Used[]> {
  const environments: Environment[] = [];
  for (const stored of all) {
    const active = await shelf.active(stored);
    const record = active && (await shelf.content(stored, active)).record;
    if (record) environments.push(record.environment);
  }
  return editionsOf(environments);
}

/** What the other Workers of the account bind: ids and names of resources. */
async function boundIds(network: Network, without: ReadonlySet<string>): Promise<Set<unknown>> {
  const bound = new Set<unknown>();
  for (const name of (await network.scripts()).keys()) {
    if (without.has(name)) continue;
    const settings = await network.api.find<{ bindings?: Record<string, unknown>[] }>(
      `${network.script(name)}/settings`,
    );
    for (const { namespace_id, id, bucket_name, queue_name } of settings?.bindings ?? []) {
      for (const each of [namespace_id, id, bucket_name, queue_name]) if (each !== undefined) bound.add(each);
    }
  }
  return bound;
}
