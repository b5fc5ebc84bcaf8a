/**
 * Values of a config file that know where they were written. Both dialects merge such trees, so that after any
 * inheritance every single field can still be traced to its file, its path there and its environment.
 */
import type { Written } from "../model.ts";

interface Origin {
  /** The nearest place that wrote it: for a merged table, the one that was merged in last. */
  written: Written;
  /** The place that wrote it first, before anything was merged into it. */
  introduced: Written;
  /** What it replaced, for `config explain`. */
  shadowed?: Sourced;
}

export type SourcedTable = Origin & { kind: "table"; entries: Map<string, Sourced> };
export type SourcedList = Origin & { kind: "list"; items: Sourced[] };
export type SourcedValue = Origin & { kind: "value"; value: unknown };
export type Sourced = SourcedTable | SourcedList | SourcedValue;

/** Wraps a parsed value (plain objects, arrays, primitives) that stands at `written`. */
export function sourced(value: unknown, written: Written): Sourced {
  const origin = { written, introduced: written };
  const below = (key: string | number): Written => ({ ...written, path: [...written.path, key] });
  if (Array.isArray(value)) {
    return { kind: "list", ...origin, items: value.map((item, index) => sourced(item, below(index))) };
  }
  if (isTable(value)) {
    const entries = new Map(Object.keys(value).map((key) => [key, sourced(value[key], below(key))]));
    return { kind: "table", ...origin, entries };
  }
  return { kind: "value", ...origin, value };
}

/** @returns a table without entries */
export function emptyTable(written: Written): SourcedTable {
  return { kind: "table", written, introduced: written, entries: new Map() };
}

/** The plain value of a tree. */
export function plain(node: Sourced): unknown {
  if (node.kind === "value") return node.value;
  if (node.kind === "list") return node.items.map(plain);
  // fromEntries defines properties, so that a key "__proto__" is a key like any other.
  return Object.fromEntries([...node.entries].map(([key, child]) => [key, plain(child)]));
}

/** The node at a path of keys and indexes below `node`. */
export function at(node: Sourced | undefined, path: readonly (PropertyKey | undefined)[]): Sourced | undefined {
  let current = node;
  for (const key of path) {
    if (current?.kind === "table") current = current.entries.get(String(key));
    else if (current?.kind === "list" && typeof key === "number") current = current.items[key];
    else return undefined;
  }
  return current;
}

/** The node at a path, or the nearest one above it that exists. */
export function nearest(node: Sourced, path: readonly PropertyKey[]): { node: Sourced; depth: number } {
  for (let depth = path.length; depth > 0; depth--) {
    const found = at(node, path.slice(0, depth));
    if (found) return { node: found, depth };
  }
  return { node, depth: 0 };
}

/** A copy of a tree without what stands at `path`. The tree itself stays as it is. */
export function without(node: Sourced, path: readonly (string | number)[]): Sourced {
  const [key, ...rest] = path;
  if (node.kind === "table" && node.entries.has(String(key))) {
    const entries = new Map(node.entries);
    if (rest.length === 0) entries.delete(String(key));
    else entries.set(String(key), without(entries.get(String(key))!, rest));
    return { ...node, entries };
  }
  if (node.kind === "list" && typeof key === "number" && node.items[key]) {
    const items = [...node.items];
    if (rest.length === 0) items.splice(key, 1);
    else items[key] = without(items[key]!, rest);
    return { ...node, items };
  }
  return node;
}

/** A table, as the parsers give it: no array, no date. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
