/** The resources that environments bind: found on the network by their names, or made. Never twice, and never deleted here. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { kindOf } from "../../bindings/index.ts";
import { deadLetterQueue } from "../../bindings/queue-consumer.ts";
import { TroupeError } from "../../errors.ts";
import type { Binding, Environment, Resource } from "../../model.ts";
import { resourceName } from "./names.ts";
import type { Network } from "./network.ts";

/** How one type of resource is looked up and made. Ids are what bindings carry. */
interface Maker {
  title: string;
  find(network: Network, name: string, binding: Binding): Promise<string | undefined>;
  make(network: Network, name: string, binding: Binding): Promise<string>;
}

const MAKERS: Record<string, Maker> = {
  kv: {
    title: "KV namespace",
    async find({ api, base }, name) {
      const all = await api.list<{ id: string; title: string }>(`${base}/storage/kv/namespaces`);
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
  },
  d1: {
    title: "D1 database",
    async find({ api, base }, name) {
      const all = await api.list<{ uuid: string; name: string }>(`${base}/d1/database`, { query: { name } });
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
  },
  r2: {
    title: "R2 bucket",
    async find({ api, base }, name, binding) {
      const found = await api.find<{ name: string }>(`${base}/r2/buckets/${name}`, {
        headers: jurisdictionOf(binding),
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
  },
  queue: {
    title: "Queue",
    async find({ api, base }, name) {
      const all = await api.list<{ queue_name: string }>(`${base}/queues`, { query: { name } });
      return all.some(({ queue_name }) => queue_name === name) ? name : undefined;
    },
    async make(network, name, binding) {
      const landed = async () => ((await MAKERS.queue!.find(network, name, binding)) === undefined ? undefined : {});
      await network.api.post(`${network.base}/queues`, { body: { queue_name: name }, landed, about: `Queue ${name}` });
      return name;
    },
  },
};

function jurisdictionOf({ entry }: Binding): Record<string, string> {
  return typeof entry.jurisdiction === "string" ? { "cf-r2-jurisdiction": entry.jurisdiction } : {};
}

export interface Provisioned {
  /** The network's id of what a binding names. */
  idOf(binding: Binding): string;
  /** "KV namespace shop-sessions--staging", of each that was made or would be. */
  made: string[];
}

/** What one resource is asked for by; several bindings may name the same. */
interface Wanted {
  resource: Resource;
  binding: Binding;
}

/**
 * @param options.dryRun makes nothing; what is missing has a placeholder for its id
 * @throws TroupeError CONFIG for certificates that cannot be read
 */
export async function provision(
  network: Network,
  environments: readonly Environment[],
  options: { dryRun: boolean; onProgress?(message: string): void },
): Promise<Provisioned> {
  const ids = new Map<string, string>();
  const made: string[] = [];
  for (const { resource, binding } of wantedBy(environments)) {
    const maker = MAKERS[resource.type]!;
    const name = resourceName(resource);
    const found = await maker.find(network, name, binding);
    if (found !== undefined) {
      ids.set(keyOf(resource), found);
      continue;
    }
    made.push(`${maker.title} ${name}`);
    if (!options.dryRun) options.onProgress?.(`Making ${maker.title} ${name}`);
    ids.set(keyOf(resource), options.dryRun ? `(new) ${name}` : await maker.make(network, name, binding));
  }
  const certificates = new Map<Binding, string>();
  for (const environment of environments) {
    for (const binding of environment.bindings.filter(isLocalCertificate)) {
      const { id, name, isNew } = await certificate(network, environment, binding, options.dryRun);
      certificates.set(binding, id);
      if (isNew) made.push(`mTLS certificate ${name}`);
    }
  }
  return {
    made: [...new Set(made)],
    idOf(binding) {
      const uploaded = certificates.get(binding);
      if (uploaded !== undefined) return uploaded;
      const { resource } = binding;
      // Kinds that have no resource of the model name a thing that must exist: by its binding's name, if by no other.
      if (!resource) return binding.name;
      if (isNetworkId(binding, resource)) return resource.name;
      return ids.get(keyOf(resource)) ?? resourceName(resource);
    },
  };
}

function keyOf({ type, id }: Resource): string {
  return `${type} ${id}`;
}

/** What is written as the network's own id needs no looking up. */
export function isNetworkId(binding: Binding, { name, edition }: Resource): boolean {
  return edition === undefined && kindOf(binding).resource?.idPattern?.test(name) === true;
}

function wantedBy(environments: readonly Environment[]): Wanted[] {
  const wanted = environments.flatMap(({ bindings }) =>
    bindings.flatMap((binding): Wanted[] => {
      const dead = binding.kind === "queue-consumer" ? deadLetterQueue(binding) : undefined;
      return [binding.resource, dead].flatMap((resource) => (resource ? [{ resource, binding }] : []));
    }),
  );
  const known = wanted.filter(({ resource, binding }) => resource.type in MAKERS && !isNetworkId(binding, resource));
  return [...new Map(known.map((each) => [keyOf(each.resource), each])).values()];
}

function isLocalCertificate({ kind, entry }: Binding): boolean {
  return kind === "mtls-certificate" && entry.certificate_id === undefined;
}

/** Named by its contents: the same files are the same certificate, on every machine. */
async function certificate(network: Network, environment: Environment, binding: Binding, dryRun: boolean) {
  const { certificate: chainFile, private_key: keyFile } = binding.entry as {
    certificate: string;
    private_key: string;
  };
  const read = (file: string) =>
    readFile(path.resolve(environment.dir, file), "utf8").catch((cause: Error) => {
      throw new TroupeError(
        "CONFIG",
        `${environment.service}: cannot read ${file} of env.${binding.name}: ${cause.message}`,
        { cause },
      );
    });
  const [chain, key] = await Promise.all([read(chainFile), read(keyFile)]);
  const name = `troupe-${createHash("sha256").update(chain).update(key).digest("hex").slice(0, 16)}`;
  const path_ = `${network.base}/mtls_certificates`;
  const find = async () =>
    (await network.api.list<{ id: string; name?: string }>(path_)).find((each) => each.name === name);
  const found = await find();
  if (found) return { id: found.id, name, isNew: false };
  if (dryRun) return { id: `(new) ${name}`, name, isNew: true };
  const body = { name, certificates: chain, private_key: key, ca: false };
  const { id } = await network.api.post<{ id: string }>(path_, {
    body,
    landed: find,
    about: `mTLS certificate ${chainFile}`,
  });
  return { id, name, isNew: true };
}
