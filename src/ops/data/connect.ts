/**
 * A way to the data of one binding: through the process that holds the data folder, or by holding it for a moment.
 * A data folder belongs to one workerd at a time, so nobody else may open it.
 */
import path from "node:path";
import { kindById, kindOf } from "../../bindings/index.ts";
import { queue } from "../../bindings/queue.ts";
import { deadLetterQueue, queueConsumer } from "../../bindings/queue-consumer.ts";
import { localResourceId, resourceOf } from "../../bindings/resource.ts";
import { assetsOnlyBundle } from "../../bundle/assets-only.ts";
import { TroupeError } from "../../errors.ts";
import { didYouMean } from "../../lib/did-you-mean.ts";
import { takeLock } from "../../lib/lock.ts";
import { type Binding, type Environment, type EnvironmentRef, refId, type Service } from "../../model.ts";
import { createGraphRuntime } from "../../runtime/index.ts";
import type { RuntimeWorker } from "../../runtime/types.ts";
import { type Selection, selectEnvironments, selectServices, selectWorkspace } from "../select.ts";
import { dataFolder, ensureStateFolder, stateDir } from "../state.ts";
import { openQueue } from "./queue.ts";
import { callOwner } from "./remote.ts";
import { type VerbResult, verbOf } from "./verbs.ts";

export interface DataSelection extends Selection {
  stateDir?: string;
  persistTo?: string;
  /** The data of the deployed environment, not that of `dev`. */
  deployed?: boolean;
}

/** One verb on one binding, as plain data: it may be carried to another process. */
export interface DataCall {
  kind: string;
  ref: EnvironmentRef;
  binding: string;
  /** Local id of its resource. */
  resource: string;
  verb: string;
  args: Record<string, unknown>;
}

export interface DataConnection {
  environment: Environment;
  binding: Binding;
  run(verb: string, args?: Record<string, unknown>, body?: Uint8Array): Promise<VerbResult>;
  close(): Promise<void>;
}

/**
 * Opens the binding `name` of one of the chosen services. Close it afterwards.
 * @param kind id of the kind that it must have: "kv", "r2", "d1", "queue"
 * @throws TroupeError CONFIG, NOT_FOUND (no such binding), CONFLICT (the folder is held by a process that can't be asked)
 */
export async function connectData(selection: DataSelection, kind: string, name: string): Promise<DataConnection> {
  const { workspace } = await selectWorkspace(selection);
  const environments = selectEnvironments(selectServices(workspace, selection), selection.env);
  const { environment, binding } = findBinding(environments, kind, name, workspace.services);
  const ref = { service: environment.service, environment: environment.name };
  const resource = localResourceId(resourceOf(binding));
  const state = stateDir(workspace.root, selection);
  const folder = dataFolder(state, selection.persistTo && path.resolve(selection.cwd, selection.persistTo));
  await ensureStateFolder(state, folder);
  const taken = await takeLock(path.join(folder, "owner.json"));
  if ("owner" in taken) {
    const owner = taken.owner;
    return {
      environment,
      binding,
      run: (verb, args = {}, body) =>
        callOwner(owner, folder, { kind, ref, binding: binding.name, resource, verb, args }, body),
      close: async () => {},
    };
  }
  return openHere({ kind, environment, binding, folder, queues: folder, release: () => taken.lock.release() });
}

/** Data that nobody else holds. */
export interface HeldData {
  kind: string;
  environment: Environment;
  binding: Binding;
  /** Its folder. */
  folder: string;
  /** The folder of the file that holds queues. */
  queues: string;
  /** Gives the hold on it back. */
  release(): Promise<void>;
}

/** Works on a folder that nobody else holds, in a runtime of its own. */
export async function openHere(held: HeldData): Promise<DataConnection> {
  const { kind, environment, binding, folder, release } = held;
  if (kind === "queue") {
    const opened = await openQueue(held.queues, localResourceId(resourceOf(binding)));
    return {
      environment,
      binding,
      run: (verb, args = {}, body) => verbOf(kind, verb)(opened, args, body),
      async close() {
        await opened.close();
        await release();
      },
    };
  }
  const runtime = createGraphRuntime();
  let opened: Promise<unknown> | undefined;
  const open = async (): Promise<unknown> => {
    const worker = dataWorker(environment, binding);
    await runtime.swap({ workers: [worker], persistTo: folder });
    return (await runtime.bindings(worker.id))[binding.name];
  };
  return {
    environment,
    binding,
    async run(verb, args = {}, body) {
      opened ??= open();
      return verbOf(kind, verb)(await opened, args, body);
    },
    async close() {
      await runtime.close();
      await release();
    },
  };
}

/** A worker that has nothing but one binding. */
export function dataWorker(environment: Environment, binding: Binding): RuntimeWorker {
  const ref = { service: environment.service, environment: environment.name };
  return {
    id: `troupe:data:${refId(ref)}#${binding.name}`,
    environment: { ...environment, bindings: [binding], migrations: [], settings: {} },
    bundle: assetsOnlyBundle(),
    secrets: {},
    reachable: false,
    resolve: () => {
      throw new Error("a data worker refers to nothing");
    },
  };
}

/** Queues that a service receives from, and those of its dead letters: they can be named, too. */
function received(
  environments: readonly Environment[],
  kind: string,
): { environment: Environment; binding: Binding }[] {
  if (kind !== queue.id) return [];
  return environments.flatMap((environment) =>
    environment.bindings
      .filter((binding) => binding.kind === queueConsumer.id)
      .flatMap((binding) =>
        [resourceOf(binding), deadLetterQueue(binding)].flatMap((resource) =>
          resource
            ? [{ environment, binding: { ...binding, name: resource.name, resource, entry: { queue: resource.name } } }]
            : [],
        ),
      ),
  );
}

/** Its own, and everything that the config calls its resource: an id and a name, where both are written. */
function namesOf(binding: Binding): unknown[] {
  const written = (kindOf(binding).resource?.fields ?? []).map((field) => binding.entry[field]);
  return [binding.name, binding.resource?.name, binding.resource?.id, ...written];
}

/**
 * @param services where else to look, for what to say when it is not there
 * @throws TroupeError NOT_FOUND; USAGE when several services have one of that name
 */
export function findBinding(
  environments: readonly Environment[],
  kind: string,
  name: string,
  services: readonly Service[] = [],
): { environment: Environment; binding: Binding } {
  const all = environments.flatMap((environment) =>
    environment.bindings.filter((each) => each.inEnv).map((binding) => ({ environment, binding })),
  );
  const ofKind = [...all.filter(({ binding }) => binding.kind === kind), ...received(environments, kind)];
  // A resource's own name (a bucket, a database, a queue) will do as well.
  const found = ofKind.filter(({ binding }) => namesOf(binding).includes(name));
  const [first] = found;
  if (first && new Set(found.map(({ binding }) => binding.resource?.id)).size === 1) return first;
  const title = kindById(kind)?.title ?? kind;
  if (first) {
    const owners = found.map(({ environment }) => environment.service).join(", ");
    throw new TroupeError("USAGE", `Several services have a ${title} "${name}": ${owners}`, {
      notes: ["Name one with --service"],
    });
  }
  const other = all.find(({ binding }) => binding.name === name);
  if (other) {
    throw new TroupeError("NOT_FOUND", `"${name}" of ${other.environment.service} is not a ${title}`, {
      notes: [`What it is: ${kindOf(other.binding).title}`],
    });
  }
  const names = ofKind.map(({ binding }) => binding.name);
  const elsewhere = services
    .flatMap((service) => Object.values(service.environments))
    .filter(({ bindings }) => bindings.some((binding) => binding.kind === kind && namesOf(binding).includes(name)));
  const guess = didYouMean(name, names);
  throw new TroupeError("NOT_FOUND", `There is no ${title} "${name}" here`, {
    notes: [
      guess
        ? `Did you mean "${guess}"?`
        : names.length > 0
          ? `There are: ${[...new Set(names)].join(", ")}`
          : `No service here has a ${title}`,
      ...elsewhere.map((each) => `${refId({ service: each.service, environment: each.name })} has one of that name`),
    ],
  });
}
