/** The bindings of one environment: from its merged tree to the model, with names checked against each other. */
import type { BindingConfigKey, BindingKind } from "../bindings/kind.ts";
import type { Binding, Dialect, Environment, Written } from "../model.ts";
import { globalsOf, type Named, withoutDoubles } from "./binding-names.ts";
import { check } from "./check.ts";
import type { Faults } from "./faults.ts";
import { display, named, unknownKey } from "./issues.ts";
import { BINDING_GROUPS, type BindingGroup } from "./keys.ts";
import { entryName } from "./merge.ts";
import { emptyNames, placeResource, staleNames } from "./resource.ts";
import { at, plain, type Sourced, type SourcedTable, without } from "./sourced.ts";

export interface BindingScope {
  service: string;
  environment: string;
  dialect: Dialect;
  /** The tables that make up the environment, the one merged in last at the end; undefined is the top level. */
  tables: readonly (string | undefined)[];
  faults: Faults;
}

/** One entry as found, before it is known to be valid. Its name is undefined when the entry lacks it. */
interface Found extends Named {
  kind: BindingKind;
  key: BindingConfigKey;
  node: Sourced;
}

interface Place {
  kind: BindingKind;
  key: BindingConfigKey;
}

type RankedScope = BindingScope & { rank(written: Written): number };

export interface BindingsRead {
  bindings: Binding[];
  /** What stands beside bindings and is none, by top-level key. */
  settings: Record<string, Record<string, unknown>>;
}

/** Reads all bindings of a merged tree, in the order written. What is wrong is reported and left out. */
export function readBindings(tree: SourcedTable, scope: BindingScope): BindingsRead {
  const found: Found[] = [];
  const settings: BindingsRead["settings"] = {};
  for (const [key, node] of tree.entries) {
    const group = BINDING_GROUPS.get(key);
    if (!group) continue;
    const usable = checkGroup(node, group, scope);
    if (!usable) continue;
    for (const place of group.places) {
      const below = at(usable, place.key.path.slice(1));
      if (below) found.push(...entriesAt(below, place, scope));
    }
    for (const { path, schema } of group.settings) {
      const below = at(usable, path.slice(1));
      const value = below && check(below, schema, scope.dialect, scope.faults);
      if (value !== undefined) settings[key] = { ...settings[key], [path[1]!]: value };
    }
  }
  const rank = (written: Written) => scope.tables.indexOf(tableOf(written));
  const kept = withoutDoubles(found, globalsOf(tree), { ...scope, rank });
  return { bindings: kept.flatMap((each) => bindingOf(each, { ...scope, rank })), settings };
}

/** A key such as `durable_objects` or `queues` is a table of lists: is it one, and are all its keys known? */
function checkGroup(
  node: Sourced,
  { places, settings }: BindingGroup,
  { dialect, faults }: BindingScope,
): Sourced | undefined {
  const names = [...places.map(({ key }) => key.path[1]), ...settings.map(({ path }) => path[1])];
  const known = names.filter((name) => name !== undefined);
  if (known.length < names.length) return node;
  if (node.kind !== "table") {
    wrongType(node, "a table", faults);
    return undefined;
  }
  for (const key of node.entries.keys()) {
    if (known.includes(key)) continue;
    faults.add({ severity: dialect === "wrangler" ? "warning" : "error", ...unknownKey(key, node, known) });
  }
  return node;
}

function entriesAt(node: Sourced, place: Place, scope: BindingScope): Found[] {
  const { kind, key } = place;
  const inEnv = key.inEnv !== false;
  switch (key.form) {
    case "record":
      if (node.kind !== "table") break;
      return [...node.entries].map(([name, child]) => foundAt(place, child, name, inEnv));
    case "single": {
      if (node.kind !== "table") break;
      // Build tools write an empty table for what nobody wants.
      if (key.nameField === undefined && node.entries.size === 0) return [];
      const name = key.nameField === undefined ? undefined : entryName(node, key);
      return [foundAt(place, node, name ?? key.path.at(-1)!, inEnv && name !== undefined)];
    }
    default:
      if (node.kind !== "list") break;
      return node.items.flatMap((item) => {
        if (key.form === "list" && item.kind !== "table") return wrongType(item, "a table", scope.faults);
        if (key.form === "names" && (item.kind !== "value" || typeof item.value !== "string")) {
          return wrongType(item, "a string", scope.faults);
        }
        return [foundAt({ kind, key }, item, entryName(item, key), inEnv)];
      });
  }
  return wrongType(node, key.form === "record" || key.form === "single" ? "a table" : "a list", scope.faults);
}

function foundAt({ kind, key }: Place, node: Sourced, name: string | undefined, inEnv: boolean): Found {
  const { written } = node;
  const nameAt = (key.nameField !== undefined && at(node, [key.nameField])?.written) || written;
  return { kind, key, node, name, inEnv, title: kind.title, written, nameAt };
}

function wrongType(node: Sourced, expected: string, faults: Faults): [] {
  const message = `\`${display(node.written.path)}\` must be ${expected}, not ${named(plain(node))}`;
  faults.error("wrong-type", message, node.written);
  return [];
}

/** The table of a file that something stands in: the top level, or one `[env.X]`. */
function tableOf({ path }: Written): string | undefined {
  return path[0] === "env" ? String(path[1]) : undefined;
}

function bindingOf({ kind, key, name, inEnv, node: merged }: Found, scope: RankedScope): Binding[] {
  const { dialect, faults, environment } = scope;
  const isEntry = key.form === "list" || key.form === "single";
  let node = merged;
  // `shared` is troupe.toml's own: in a file of Wrangler's it is as unknown as it is to Wrangler.
  if (dialect === "wrangler" && isEntry && at(node, ["shared"])) {
    faults.add({ severity: "warning", ...unknownKey("shared", node, []) });
    node = without(node, ["shared"]);
  }
  const dropped = dialect === "wrangler" ? emptyNames({ kind, node }) : staleNames({ kind, node }, scope);
  for (const field of dropped) node = without(node, [field]);
  const checked = key.form === "names" ? {} : check(node, key.entry, dialect, faults);
  if (checked === undefined) return [];
  if (name === undefined || name === "") {
    faults.error(
      "missing-key",
      `\`${display(node.written.path)}\` has no \`${key.nameField ?? "name"}\``,
      node.written,
    );
    return [];
  }
  if (inEnv && name === "__proto__") {
    faults.error(
      "invalid-name",
      `${kind.title} "${name}" must have another name: code could not read it from \`env\``,
      node.written,
    );
    return [];
  }
  const entry = isEntry || key.form === "names" ? (checked as Record<string, unknown>) : { value: checked };
  const { resource, origin } = placeResource({ kind, name, entry, node }, scope);
  const own = node.written.environment === environment;
  const binding: Binding = {
    name,
    kind: kind.id,
    inEnv,
    entry,
    ...(resource && { resource }),
    origin: origin ?? (own ? "own" : "inherited"),
    written: node.written,
  };
  return [binding];
}

/** What kinds find wrong that a schema cannot say. Runs last: it may look at the whole environment. */
export function validateBindings(environment: Environment, tree: SourcedTable, faults: Faults): void {
  for (const { kind, key } of [...BINDING_GROUPS.values()].flatMap((group) => group.places)) {
    if (!kind.validate) continue;
    for (const binding of environment.bindings.filter((candidate) => candidate.kind === kind.id)) {
      if (!standsAt(binding.written, key)) continue;
      for (const { code, message, notes, path = [], toRun } of kind.validate(binding, environment)) {
        if (toRun) continue;
        const node = nodeOf(binding, key, tree);
        const place = (node && at(node, path)?.written) ?? binding.written;
        faults.error(code, message, place, { notes });
      }
    }
  }
}

function standsAt({ path }: Written, key: BindingConfigKey): boolean {
  const below = path[0] === "env" ? path.slice(2) : path;
  return key.path.every((name, index) => below[index] === name);
}

function nodeOf(binding: Binding, key: BindingConfigKey, tree: SourcedTable): Sourced | undefined {
  const group = at(tree, key.path);
  if (group?.kind === "list") return group.items.find((item) => entryName(item, key) === binding.name);
  return key.form === "record" ? at(group, [binding.name]) : group;
}
