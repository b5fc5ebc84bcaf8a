/** The resources that environments bind: found on the network by their names, or made. Never twice. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { TroupeError } from "../../errors.ts";
import type { Binding, Environment } from "../../model.ts";
import { resourceName } from "./names.ts";
import type { Network } from "./network.ts";
import { isNetworkId, keyOf, MAKERS, type Maker, resourcesOf } from "./resources.ts";
import type { ApiBinding } from "./wrangler-resources.ts";

export interface Provisioned {
  /** The network's id of what a binding names. */
  idOf(binding: Binding): string;
  /** "KV namespace shop-sessions--staging", of each that was made or would be. */
  made: string[];
}

export interface ProvisionOptions {
  /** Makes nothing; what is missing has a placeholder for its id. */
  dryRun: boolean;
  onProgress?(message: string): void;
  /** Told "KV namespace shop-sessions--staging" when it was made. */
  onMade?(what: string): void;
  /** Bindings of the version that an environment has, where files need not be there: nothing is deployed from source. */
  liveBindings?(environment: Environment): Promise<readonly ApiBinding[]> | undefined;
}

/**
 * @throws TroupeError CONFIG for certificates that cannot be read
 */
export async function provision(
  network: Network,
  environments: readonly Environment[],
  options: ProvisionOptions,
): Promise<Provisioned> {
  const ids = new Map<string, string>();
  const made: string[] = [];
  for (const { resource, binding } of resourcesOf(environments)) {
    const maker = MAKERS[resource.type]!;
    const name = resourceName(resource);
    const found = await maker.find(network, name, binding);
    if (found !== undefined) {
      ids.set(keyOf(resource), found);
      continue;
    }
    const what = `${maker.title} ${name}`;
    made.push(what);
    if (options.dryRun) {
      ids.set(keyOf(resource), `(new) ${name}`);
      continue;
    }
    options.onProgress?.(`Making ${what}`);
    ids.set(keyOf(resource), await makeOrFind(maker, network, name, binding));
    options.onMade?.(what);
  }
  const certificates = new Map<Binding, string>();
  for (const environment of environments) {
    for (const binding of environment.bindings.filter(isLocalCertificate)) {
      const { id, name, isNew } = await certificate(network, environment, binding, options);
      certificates.set(binding, id);
      if (!isNew) continue;
      made.push(`mTLS certificate ${name}`);
      if (!options.dryRun) options.onMade?.(`mTLS certificate ${name}`);
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

/** Another deploy may be making it at the same moment. */
async function makeOrFind(maker: Maker, network: Network, name: string, binding: Binding): Promise<string> {
  try {
    return await maker.make(network, name, binding);
  } catch (error) {
    const isRefused = error instanceof TroupeError && ["CONFLICT", "PRECONDITION"].includes(error.code);
    const found = isRefused ? await maker.find(network, name, binding) : undefined;
    if (found === undefined) throw error;
    return found;
  }
}

function isLocalCertificate({ kind, entry }: Binding): boolean {
  return kind === "mtls-certificate" && entry.certificate_id === undefined;
}

/** Named by its contents: the same files are the same certificate, on every machine. */
async function certificate(
  network: Network,
  environment: Environment,
  binding: Binding,
  { dryRun, liveBindings }: ProvisionOptions,
): Promise<{ id: string; name: string; isNew: boolean }> {
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
  const files = await Promise.all([read(chainFile), read(keyFile)]).catch(async (error) => {
    const live = (await liveBindings?.(environment))?.find(({ name }) => name === binding.name)?.certificate_id;
    if (typeof live !== "string") throw error;
    return live;
  });
  // Keys are rarely on every machine: what the environment has, it keeps.
  if (typeof files === "string") return { id: files, name: files, isNew: false };
  const [chain, key] = files;
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
