/** What things are called on Cloudflare's network. */
import { createHash } from "node:crypto";
import type { Reference } from "../../bindings/kind.ts";
import { resolveReference } from "../../graph/index.ts";
import { type Environment, PRODUCTION, type Resource, type Workspace } from "../../model.ts";

/** The Worker that a reference points to: of an environment of the workspace, else the name as it is written. */
export function referredScript(workspace: Workspace, from: Environment, reference: Reference): string {
  const { environment } = resolveReference(workspace, from, reference);
  if (environment) return environment.scriptName;
  const { service = from.service, environment: written } = reference;
  return written === undefined || written === PRODUCTION ? service : `${service}-${written}`;
}

/** Buckets and queues have the strictest names: lower-case letters, digits and hyphens, up to 63 characters. */
const STRICT = /^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/;

/** Some kinds of resources take what an identifier of SQL or JavaScript can be. */
const UNDERSCORES: ReadonlySet<string> = new Set(["analytics-engine"]);

/**
 * The network's name of a resource: as it is written for an original; `name--edition` for an edition, and `service-binding`
 * for one without a name of its own, in lower case. Where that is not exact, a short hash of the resource's id keeps two
 * resources from becoming one.
 */
export function resourceName(resource: Resource): string {
  const { type, id, name, edition } = resource;
  if (edition === undefined && !name.includes("/")) return name;
  const underscores = UNDERSCORES.has(type);
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  const wanted = edition === undefined ? plain : `${plain}--${edition.toLowerCase()}`;
  // `SESSIONS` and `/` are how a binding without a name is written; everything else must come through unchanged.
  const exact = name
    .split("/")
    .every(
      (part, index) => !/--/.test(part) && (index === 0 ? /^[a-z0-9-]*$/ : /^[A-Z0-9_]*$|^[a-z0-9-]*$/).test(part),
    );
  const fits = exact && (edition === undefined || /^[a-z0-9-]+$/.test(edition)) && STRICT.test(wanted);
  const found = fits
    ? wanted
    : `${wanted
        .replace(/[^a-z0-9-]+/g, "-")
        .slice(0, 54)
        .replace(/-+$/, "")}-${hash(id)}`;
  return underscores ? found.replaceAll("-", "_") : found;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
