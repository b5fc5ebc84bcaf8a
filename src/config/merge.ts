/** How one environment's table comes over what it inherits, in troupe.toml: docs/config.md, "Environments". */
import type { BindingConfigKey } from "../bindings/kind.ts";
import { at, type Sourced, type SourcedList, type SourcedTable } from "./sourced.ts";

/** Finds the binding list that stands at a path of keys. */
export type ListAt = (path: readonly string[]) => BindingConfigKey | undefined;

/**
 * Tables merge by key, binding lists by binding name, everything else is replaced whole.
 * @param path keys from the environment's table to these nodes
 */
export function merge(base: Sourced, over: Sourced, listAt: ListAt, path: readonly string[] = []): Sourced {
  if (base.kind === "table" && over.kind === "table") return mergeTables(base, over, listAt, path);
  const key = base.kind === "list" && over.kind === "list" ? listAt(path) : undefined;
  if (key) return mergeLists(base as SourcedList, over as SourcedList, key, listAt, path);
  return { ...over, introduced: base.introduced, shadowed: base };
}

function mergeTables(base: SourcedTable, over: SourcedTable, listAt: ListAt, path: readonly string[]): SourcedTable {
  const entries = new Map(base.entries);
  for (const [key, child] of over.entries) {
    const inherited = entries.get(key);
    entries.set(key, inherited ? merge(inherited, child, listAt, [...path, key]) : child);
  }
  return { kind: "table", written: over.written, introduced: base.introduced, entries };
}

function mergeLists(
  base: SourcedList,
  over: SourcedList,
  key: BindingConfigKey,
  listAt: ListAt,
  path: readonly string[],
): SourcedList {
  const items = [...base.items];
  for (const item of over.items) {
    const name = entryName(item, key);
    // Two entries of one name in one table are a mistake that is reported later: only inherited ones are merged into.
    const index = base.items.findIndex((other) => name !== undefined && entryName(other, key) === name);
    const merged = index >= 0 && items[index] === base.items[index];
    if (merged) items[index] = merge(items[index]!, item, listAt, path);
    else items.push(item);
  }
  return { kind: "list", written: over.written, introduced: base.introduced, items };
}

/** The name of an element of a binding list; undefined when it has none (yet to be reported). */
export function entryName(item: Sourced, key: BindingConfigKey): string | undefined {
  const named = key.form === "names" ? item : at(item, [key.nameField]);
  if (named?.kind !== "value") return undefined;
  return typeof named.value === "string" || typeof named.value === "number" ? String(named.value) : undefined;
}
