/**
 * Resources of Wrangler's files, which on the network are not always those of local development: `preview_id` and its like are
 * for the latter alone, and a binding without a name has what its Worker has under that name, or else one that Wrangler would make
 * for this Worker.
 */
import { kindOf } from "../../bindings/index.ts";
import type { Binding, Environment, Resource } from "../../model.ts";
import { MAKERS } from "./resources.ts";

/** A binding as the API tells it. */
export type ApiBinding = Record<string, unknown> & { name?: string; type?: string };

/** Which of them the account has to be asked about, because no name is written. */
export function isUnnamed(binding: Binding, { dialect }: Environment): boolean {
  const { resource } = binding;
  return (
    dialect === "wrangler" && resource !== undefined && resource.type in MAKERS && writtenName(binding) === undefined
  );
}

/** @param before bindings of the version that is live */
export function onNetwork(environment: Environment, before: readonly ApiBinding[]): Environment {
  if (environment.dialect !== "wrangler") return environment;
  const bindings = environment.bindings.map((binding) => {
    const resource = placed(binding, environment, before);
    return resource === binding.resource ? binding : { ...binding, resource: resource! };
  });
  return { ...environment, bindings };
}

function placed(binding: Binding, environment: Environment, before: readonly ApiBinding[]): Resource | undefined {
  const { resource, name: bindingName } = binding;
  if (!resource || !(resource.type in MAKERS)) return resource;
  const { type, edition } = resource;
  const written = writtenName(binding);
  const own = (name: string): Resource =>
    edition === undefined ? { type, id: name, name } : { type, id: `${name}@${edition}`, name, edition };
  if (written !== undefined) return written === resource.name ? resource : own(written);
  if (edition !== undefined) return own(`${environment.service}/${bindingName}`);
  return own(had(bindingName, type, before) ?? wranglersName(environment.scriptName, bindingName));
}

/** In the config, for the network. An empty name is none. */
function writtenName(binding: Binding): string | undefined {
  const { fields = [] } = kindOf(binding).resource ?? {};
  const found = fields.map((field) => binding.entry[field]).find((value) => value !== undefined && value !== "");
  return found === undefined ? undefined : String(found);
}

/** Fields of the API that hold the id or the name, by type of the resource. */
const FIELDS: Record<string, readonly string[]> = {
  kv: ["namespace_id"],
  d1: ["id", "database_id"],
  r2: ["bucket_name"],
  queue: ["queue_name"],
};

function had(name: string, type: string, before: readonly ApiBinding[]): string | undefined {
  const found = before.find((binding) => binding.name === name);
  return FIELDS[type]!.map((field) => found?.[field]).find((value) => typeof value === "string");
}

/** What Wrangler calls what it makes: https://developers.cloudflare.com/workers/wrangler/configuration/#automatic-provisioning */
function wranglersName(script: string, binding: string): string {
  return `${script}-${binding.toLowerCase().replaceAll("_", "-")}`;
}
