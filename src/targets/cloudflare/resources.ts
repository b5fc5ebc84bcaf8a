/** Resources on the network: what they are called there, and how they are found, made and deleted. */
import { kindOf } from "../../bindings/index.ts";
import { deadLetterQueue } from "../../bindings/queue-consumer.ts";
import { TroupeError } from "../../errors.ts";
import type { Binding, Environment, Resource } from "../../model.ts";
import { resourceName } from "./names.ts";
import type { Network } from "./network.ts";

/** How one type of resource is looked up, made and deleted. Ids are what bindings carry. */
export interface Maker {
  title: string;
  find(network: Network, name: string, binding: Binding): Promise<string | undefined>;
  make(network: Network, name: string, binding: Binding): Promise<string>;
  remove(network: Network, id: string, binding: Binding): Promise<unknown>;
  /** Workers that have it without binding it. */
  users?(network: Network, name: string): Promise<string[]>;
}

/** By the type of a resource. What is not here has to exist. */
export const MAKERS: Record<string, Maker> = {
  kv: {
    title: "KV namespace",
    async find({ api, base }, name) {
      const all = await api.list<{ id: string; title: string }>(`${base}/storage/kv/namespaces`, {
        about: `KV namespace ${name}`,
      });
      return all.find(({ title }) => title === name)?.id;
    },
    async make(network, name, binding) {
      const landed = async () => {
        const id = await MAKERS.kv!.find(network, name, binding);
        return id === undefined ? undefined : { id };
      };
      const path = `${network.base}/storage/kv/namespaces`;
      return (
        await network.api.post<{ id: string }>(path, { body: { title: name }, landed, about: `KV namespace ${name}` })
      ).id;
    },
    remove: ({ api, base }, id) => api.delete(`${base}/storage/kv/namespaces/${id}`, { about: "KV namespace" }),
  },
  d1: {
    title: "D1 database",
    async find({ api, base }, name) {
      const all = await api.list<{ uuid: string; name: string }>(`${base}/d1/database`, {
        query: { name },
        about: `D1 database ${name}`,
      });
      return all.find((database) => database.name === name)?.uuid;
    },
    async make(network, name, binding) {
      const { jurisdiction } = binding.entry as { jurisdiction?: string };
      const landed = async () => {
        const uuid = await MAKERS.d1!.find(network, name, binding);
        return uuid === undefined ? undefined : { uuid };
      };
      const body = { name, ...(jurisdiction !== undefined && { jurisdiction }) };
      return (
        await network.api.post<{ uuid: string }>(`${network.base}/d1/database`, {
          body,
          landed,
          about: `D1 database ${name}`,
        })
      ).uuid;
    },
    remove: ({ api, base }, uuid) => api.delete(`${base}/d1/database/${uuid}`, { about: "D1 database" }),
  },
  r2: {
    title: "R2 bucket",
    async find({ api, base }, name, binding) {
      const found = await api.find<{ name: string }>(`${base}/r2/buckets/${name}`, {
        headers: jurisdictionOf(binding),
        about: `R2 bucket ${name}`,
      });
      return found && name;
    },
    async make(network, name, binding) {
      const landed = async () => ((await MAKERS.r2!.find(network, name, binding)) === undefined ? undefined : {});
      const headers = jurisdictionOf(binding);
      await network.api.post(`${network.base}/r2/buckets`, {
        body: { name },
        headers,
        landed,
        about: `R2 bucket ${name}`,
      });
      return name;
    },
    remove: ({ api, base }, name, binding) =>
      api.delete(`${base}/r2/buckets/${name}`, { headers: jurisdictionOf(binding), about: `R2 bucket ${name}` }),
  },
  queue: {
    title: "Queue",
    async find({ api, base }, name) {
      const all = await api.list<{ queue_name: string }>(`${base}/queues`, {
        query: { name },
        about: `Queue ${name}`,
      });
      return all.some(({ queue_name }) => queue_name === name) ? name : undefined;
    },
    async make(network, name, binding) {
      const landed = async () => ((await MAKERS.queue!.find(network, name, binding)) === undefined ? undefined : {});
      await network.api.post(`${network.base}/queues`, { body: { queue_name: name }, landed, about: `Queue ${name}` });
      return name;
    },
    async users({ api, base }, name) {
      type Queue = { queue_name: string; consumers?: Partial<Record<"script" | "service" | "script_name", string>>[] };
      const all = await api.list<Queue>(`${base}/queues`, { query: { name }, about: `Queue ${name}` });
      const consumers = all.find(({ queue_name }) => queue_name === name)?.consumers ?? [];
      return consumers.flatMap(({ script, service, script_name }) => script ?? service ?? script_name ?? []);
    },
    async remove({ api, base }, name) {
      type Queue = { queue_name: string; queue_id: string; consumers?: { consumer_id: string }[] };
      const about = `Queue ${name}`;
      const all = await api.list<Queue>(`${base}/queues`, { query: { name }, about });
      const known = all.find(({ queue_name }) => queue_name === name);
      if (!known) return;
      const path = `${base}/queues/${known.queue_id}`;
      for (const { consumer_id } of known.consumers ?? [])
        await api.delete(`${path}/consumers/${consumer_id}`, { about });
      await api.delete(path, { about });
    },
  },
};

function jurisdictionOf({ entry }: Binding): Record<string, string> {
  return typeof entry.jurisdiction === "string" ? { "cf-r2-jurisdiction": entry.jurisdiction } : {};
}

/** What one resource is asked for by; several bindings may name the same. */
export interface Used {
  resource: Resource;
  binding: Binding;
}

/** Equal for bindings that name the same resource. */
export function keyOf({ type, id }: Resource): string {
  return `${type} ${id}`;
}

/** What is written as the network's own id needs no looking up. */
export function isNetworkId(binding: Binding, { name, edition }: Resource): boolean {
  return edition === undefined && kindOf(binding).resource?.idPattern?.test(name) === true;
}

/** The resources of environments that can be found and made by their names, each once. */
export function resourcesOf(environments: readonly Environment[]): Used[] {
  const used = environments.flatMap(({ bindings }) =>
    bindings.flatMap((binding): Used[] => {
      const dead = binding.kind === "queue-consumer" ? deadLetterQueue(binding) : undefined;
      return [binding.resource, dead].flatMap((resource) => (resource ? [{ resource, binding }] : []));
    }),
  );
  const known = used.filter(({ resource, binding }) => resource.type in MAKERS && !isNetworkId(binding, resource));
  return [...new Map(known.map((each) => [keyOf(each.resource), each])).values()];
}

/** Those that were made for these environments alone: an original is somebody's own, whoever binds it. */
export function editionsOf(environments: readonly Environment[]): Used[] {
  return resourcesOf(environments).filter(
    ({ resource, binding }) => resource.edition !== undefined && binding.origin !== "shared",
  );
}

/** "KV namespace shop-sessions--staging". */
export function titleOf({ resource }: Used): string {
  return `${MAKERS[resource.type]!.title} ${resourceName(resource)}`;
}

/** @returns what bindings carry; undefined when the account has none of this name */
export function findResource(network: Network, { resource, binding }: Used): Promise<string | undefined> {
  return MAKERS[resource.type]!.find(network, resourceName(resource), binding);
}

/** Workers that have it without binding it, as the consumers of a queue. */
export async function usersOf(network: Network, { resource }: Used): Promise<string[]> {
  return (await MAKERS[resource.type]!.users?.(network, resourceName(resource))) ?? [];
}

/** @returns false when the network refuses, since there is something in it */
export async function removeResource(network: Network, { resource, binding }: Used, id: string): Promise<boolean> {
  try {
    await MAKERS[resource.type]!.remove(network, id, binding);
    return true;
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error;
    if (error.code === "NOT_FOUND") return true;
    if (error.code === "AUTH" || error.code === "UNREACHABLE") throw error;
    return false;
  }
}
