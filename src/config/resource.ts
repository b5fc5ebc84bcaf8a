/** Isolation: which resource a stateful binding points to in one environment (docs/config.md, "Isolation"). */
import type { BindingKind } from "../bindings/kind.ts";
import { type BindingOrigin, type Dialect, PRODUCTION, type Resource, type Written } from "../model.ts";
import { at, type Sourced } from "./sourced.ts";

interface Stateful {
  kind: BindingKind;
  name: string;
  entry: Record<string, unknown>;
  /** The merged entry. */
  node: Sourced;
}

interface Scope {
  service: string;
  environment: string;
  dialect: Dialect;
  rank(written: Written): number;
}

/**
 * The naming fields that don't count any more: a table that names the resource anew, by whichever field, leaves nothing of
 * the name it inherited (a database's id beside another database's name).
 */
export function staleNames({ kind, node }: Pick<Stateful, "kind" | "node">, { rank }: Pick<Scope, "rank">): string[] {
  const written = (kind.resource?.fields ?? []).flatMap((field) => {
    const value = at(node, [field]);
    return value ? [{ field, rank: rank(value.written) }] : [];
  });
  const newest = Math.max(...written.map((each) => each.rank));
  return written.filter((each) => each.rank < newest).map(({ field }) => field);
}

/** The naming fields that are empty strings: in Wrangler's files they stand for a resource that is yet to be made. */
export function emptyNames({ kind, node }: Pick<Stateful, "kind" | "node">): string[] {
  const { fields = [], previewField } = kind.resource ?? {};
  return [...fields, ...(previewField ? [previewField] : [])].filter((field) => {
    const value = at(node, [field]);
    return value?.kind === "value" && value.value === "";
  });
}

/** @returns nothing for a binding that names no resource */
export function placeResource(stateful: Stateful, scope: Scope): { resource?: Resource; origin?: BindingOrigin } {
  const naming = stateful.kind.resource;
  if (!naming || naming.applies?.(stateful.entry) === false) return {};
  return scope.dialect === "wrangler" ? literal(stateful) : isolated(stateful, scope);
}

/** Wrangler: the id is the id, in every environment; local development prefers the preview's, or else uses the name. */
function literal({ kind, name, entry }: Stateful): { resource: Resource } {
  const { type, fields, previewField } = kind.resource!;
  const field = [...(previewField ? [previewField] : []), ...fields].find((candidate) => isName(entry[candidate]));
  const id = field ? String(entry[field]) : name;
  return { resource: { type, id, name: id } };
}

/**
 * troupe.toml: the environment that wrote the resource's name has that very resource, every other its own edition.
 * A resource without a name is named after service and binding. There production has the original; an environment that
 * brings such a binding in itself has an edition too, so that two environments never meet in one resource unless a name or
 * `shared = true` was written.
 */
function isolated(
  { kind, name, entry, node }: Stateful,
  { service, environment }: Scope,
): { resource: Resource; origin: BindingOrigin } {
  const { type, fields } = kind.resource!;
  const field = fields.find((candidate) => isName(entry[candidate]));
  const resourceName = field ? String(entry[field]) : `${service}/${name}`;
  const { environment: owner } = (field && at(node, [field])?.written) || node.introduced;
  const original = field !== undefined || owner === PRODUCTION;

  const edition = (of: string): Resource => ({ type, id: `${resourceName}@${of}`, name: resourceName, edition: of });
  const ofOwner = original ? { type, id: resourceName, name: resourceName } : edition(owner);
  if (owner === environment) return { resource: ofOwner, origin: "own" };
  if (entry.shared === true) return { resource: ofOwner, origin: "shared" };
  return { resource: edition(environment), origin: "inherited" };
}

function isName(value: unknown): boolean {
  return (typeof value === "string" && value !== "") || typeof value === "number";
}
