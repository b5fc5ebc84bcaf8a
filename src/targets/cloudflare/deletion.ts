/** Deleting environments, and the editions of resources that only they had. Originals are never deleted. */
import { TroupeError } from "../../errors.ts";
import { type Environment, type EnvironmentRef, refId } from "../../model.ts";
import { atOnce } from "./info.ts";
import type { Network } from "./network.ts";
import { editionsOf, findResource, removeResource, titleOf, type Used, usersOf } from "./resources.ts";
import type { Shelf, Stored } from "./shelf.ts";
import { workflowEditions } from "./workflows.ts";

/**
 * Workers go first that bind others of them, so that none is refused; what is gone already is no fault: the same command may
 * be run again.
 * @param resources also deletes editions that no other Worker of the account binds
 * @returns editions that are left, in words
 * @throws TroupeError NOT_FOUND, AUTH, UNREACHABLE
 */
export async function deleteEnvironments(shelf: Shelf, all: readonly Stored[], resources: boolean): Promise<string[]> {
  const { network } = shelf;
  const environments = await activeEnvironments(shelf, all);
  const editions = editionsOf(environments);
  const going = new Set(all.map(({ script }) => script.id));
  const workflows = await workflowsOf(network, environments, going);
  for (const { ref, script } of all) {
    // The others of the group may bind it until they are gone as well.
    await network.api
      .delete(network.script(script.id), { query: { force: true }, about: `service ${refId(ref)}` })
      .catch(goneAlready);
  }
  const rest = new Set([...workflows.map((name) => `Workflow ${name}`), ...editions.map(titleOf)]);
  try {
    return await deleteResources(network, {
      workflows,
      editions,
      going,
      resources,
      onDone: (what) => rest.delete(what),
    });
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error;
    const gone = all.map(({ ref }) => refId(ref)).join(", ");
    // Nothing leads to it any more: a second attempt would not find the environment.
    const note = `${gone} is gone; delete what it had in the dashboard: ${[...rest].join(", ")}`;
    throw new TroupeError(error.code, error.message, {
      notes: [...error.notes, ...(rest.size > 0 ? [note] : [])],
      cause: error.cause ?? error,
    });
  }
}

interface Belongings {
  workflows: readonly string[];
  editions: readonly Used[];
  /** Names of the Workers that are deleted. */
  going: ReadonlySet<string>;
  /** False: only looks. */
  resources: boolean;
  onDone(what: string): void;
}

/** @returns what is left, in words */
async function deleteResources(network: Network, belongings: Belongings): Promise<string[]> {
  const { workflows, editions, going, resources, onDone } = belongings;
  const left: string[] = [];
  for (const name of workflows) {
    if (resources) await network.deleteWorkflow(name).catch(goneAlready);
    else left.push(`Workflow ${name}`);
    onDone(`Workflow ${name}`);
  }
  const used = editions.length > 0 ? await boundIds(network, going) : new Set();
  for (const edition of editions) {
    const title = titleOf(edition);
    const found = await findResource(network, edition);
    const isOthers = used.has(found) || (await usersOf(network, edition)).some((script) => !going.has(script));
    if (found !== undefined && !isOthers) {
      if (!resources) left.push(title);
      else if (!(await removeResource(network, edition, found))) left.push(`${title} (it is not empty)`);
    }
    onDone(title);
  }
  return left;
}

function goneAlready(error: unknown): void {
  if (!(error instanceof TroupeError) || error.code !== "NOT_FOUND") throw error;
}

/** Of the active versions, where they say it. */
async function activeEnvironments(shelf: Shelf, all: readonly Stored[]): Promise<Environment[]> {
  const environments: Environment[] = [];
  for (const stored of all) {
    const active = await shelf.active(stored);
    const record = active && (await shelf.content(stored, active)).record;
    if (record) environments.push(record.environment);
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
