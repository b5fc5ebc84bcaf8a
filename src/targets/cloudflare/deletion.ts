/** Deleting environments, and the editions of resources that only they had. Originals are never deleted. */
import { TroupeError } from "../../errors.ts";
import { type Environment, type EnvironmentRef, refId } from "../../model.ts";
import { atOnce } from "./info.ts";
import type { Network } from "./network.ts";
import { editionsOf, findResource, removeResource, titleOf, usersOf } from "./resources.ts";
import type { Shelf, Stored } from "./shelf.ts";
import { workflowEditions } from "./workflows.ts";

/**
 * What belongs to the Workers goes first: as long as these are there, they tell what that is, and the same command goes on
 * where an earlier one was killed. What is gone already is no fault.
 * @param resources also deletes editions that no other Worker of the account binds
 * @returns editions that are left, in words
 * @throws TroupeError NOT_FOUND, AUTH, UNREACHABLE
 */
export async function deleteEnvironments(deletion: Deletion): Promise<string[]> {
  const { shelf, all, resources } = deletion;
  const { network } = shelf;
  const belongings = await belongingsOf(deletion);
  const refused = resources ? await removeAll(belongings) : belongings;
  // Of Workers that bind each other, none may be refused.
  for (const { ref, script } of all) {
    await network.api
      .delete(network.script(script.id), { query: { force: true }, about: `service ${refId(ref)}` })
      .catch(goneAlready);
  }
  if (!resources) return belongings.map(({ title }) => title);
  // The network may have wanted it that nobody binds it.
  return (await removeAll(refused)).map(({ title }) => `${title} (it is not empty)`);
}

export interface Deletion {
  shelf: Shelf;
  all: readonly Stored[];
  resources: boolean;
  /** What an environment is by the config at hand, for one that says nothing of itself. */
  writtenOf(stored: Stored): Promise<Environment | undefined>;
}

interface Belonging {
  title: string;
  /** @returns false when the network refuses */
  remove(): Promise<boolean>;
}

/** What is there and was made for these environments alone, and nobody has who stays. */
async function belongingsOf({ shelf, all, writtenOf }: Deletion): Promise<Belonging[]> {
  const { network } = shelf;
  const environments = await activeEnvironments(shelf, all, writtenOf);
  const editions = editionsOf(environments);
  const going = new Set(all.map(({ script }) => script.id));
  const belongings = (await workflowsOf(network, environments, going)).map(
    (name): Belonging => ({
      title: `Workflow ${name}`,
      remove: () => network.deleteWorkflow(name).then(() => true, goneAlready),
    }),
  );
  const used = editions.length > 0 ? await boundIds(network, going) : new Set();
  for (const edition of editions) {
    const found = await findResource(network, edition);
    const isOthers = used.has(found) || (await usersOf(network, edition)).some((script) => !going.has(script));
    if (found === undefined || isOthers) continue;
    belongings.push({ title: titleOf(edition), remove: () => removeResource(network, edition, found) });
  }
  return belongings;
}

/** @returns those that the network refuses to delete */
async function removeAll(belongings: readonly Belonging[]): Promise<Belonging[]> {
  const refused: Belonging[] = [];
  try {
    for (const each of belongings) if (!(await each.remove())) refused.push(each);
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error;
    throw new TroupeError(error.code, error.message, {
      notes: [...error.notes, "Run the same command again: it goes on with what is left"],
      cause: error.cause ?? error,
    });
  }
  return refused;
}

function goneAlready(error: unknown): true {
  if (!(error instanceof TroupeError) || error.code !== "NOT_FOUND") throw error;
  return true;
}

/** Of the active versions, where they say it, else of the config at hand. */
async function activeEnvironments(
  shelf: Shelf,
  all: readonly Stored[],
  writtenOf: Deletion["writtenOf"],
): Promise<Environment[]> {
  const environments: Environment[] = [];
  for (const stored of all) {
    const active = await shelf.active(stored);
    const record = active && (await shelf.content(stored, active)).record;
    const environment = record?.environment ?? (active && (await writtenOf(stored)));
    if (environment) environments.push(environment);
  }
  return environments;
}

/** Workflows that were made for these environments, and that no Worker has which stays. */
async function workflowsOf(
  network: Network,
  environments: readonly Environment[],
  going: ReadonlySet<string>,
): Promise<string[]> {
  const scripts = await network.scripts();
  const found = await Promise.all(
    environments.flatMap((environment) =>
      workflowEditions(environment).map(async (name) => {
        const workflow = await network.workflow(name, `service ${refId(refOf(environment))}`);
        const owner = workflow?.script_name;
        return owner !== undefined && (going.has(owner) || !scripts.has(owner)) ? [name] : [];
      }),
    ),
  );
  return found.flat();
}

function refOf({ service, name }: Environment): EnvironmentRef {
  return { service, environment: name };
}

/** What the other Workers of the account bind: ids and names of resources. */
async function boundIds(network: Network, without: ReadonlySet<string>): Promise<Set<unknown>> {
  const bound = new Set<unknown>();
  const others = [...(await network.scripts()).keys()].filter((name) => !without.has(name));
  const all = await atOnce(others, (name) =>
    network.api.find<{ bindings?: Record<string, unknown>[] }>(`${network.script(name)}/settings`),
  );
  for (const settings of all) {
    for (const { namespace_id, id, bucket_name, queue_name } of settings?.bindings ?? []) {
      for (const each of [namespace_id, id, bucket_name, queue_name]) if (each !== undefined) bound.add(each);
    }
  }
  return bound;
}
