/**
 * Edits of TOML. The parser tells where everything stands; what is written follows what is there: arrays of tables or
 * inline arrays, headers, inline tables or dotted keys, indentation, blank lines, line ending.
 */
import type { AST } from "toml-eslint-parser";
import { insertItem, removeItem } from "./list.ts";
import { applyEdits, endOfLine, isBlank, lineStart, nextLine, type TextEdit } from "./text.ts";
import {
  keysOf,
  listOf,
  type Path,
  type Place,
  placesOf,
  readToml,
  startsWith,
  type TomlDocument,
  valueAt,
} from "./toml-document.ts";
import {
  blockEnd,
  insertBlock,
  insertLine,
  insertTopLine,
  removeBlock,
  sectionEnd,
  startWithComments,
} from "./toml-layout.ts";
import { tomlKey, tomlValue } from "./toml-value.ts";

/** Puts `value` behind the last element of the list at `path`, which is made if need be. */
export function appendToml(text: string, path: readonly string[], value: unknown): string {
  const document = readToml(text);
  const array = valueAt(document, path);
  if (array?.type === "TOMLArray") return applyEdits(text, addItem(document, array, tomlValue(value)));
  if (isTable(value)) {
    const lastBlock = placesOf(document, path).findLast((place) => place.form === "block");
    const at = lastBlock ? blockEnd(document, lastBlock.node) : sectionEnd(document, path);
    const holder = holderOf(document, path.slice(0, -1));
    if (lastBlock || holder.form === "headers") {
      return applyEdits(text, [insertBlock(document, at, `[[${tomlKey(path)}]]`, value)]);
    }
  }
  return setToml(text, path, [value]);
}

/** Gives the key at `path` this value; tables above it are made if need be. */
export function setToml(text: string, path: readonly string[], value: unknown): string {
  const document = readToml(text);
  const existing = valueAt(document, path);
  if (existing) {
    return applyEdits(text, [{ start: existing.range[0], end: existing.range[1], text: tomlValue(value) }]);
  }
  return applyEdits(text, addKey(document, path, value));
}

/** Makes an empty table at `path` by a header of its own. */
export function declareToml(text: string, path: readonly string[]): string {
  const document = readToml(text);
  return applyEdits(text, [insertBlock(document, sectionEnd(document, path), `[${tomlKey(path)}]`, {})]);
}

/** Removes everything at and below `path`. */
export function removeToml(text: string, path: Path): string {
  const count = placesOf(readToml(text), path).length;
  let result = text;
  // One by one from the end, because places that touch would give edits that overlap. An element of an array of tables
  // loses its header last: from then on its index means the element behind it.
  for (let left = count; left > 0; left--) {
    const document = readToml(result);
    result = applyEdits(result, removePlace(document, placesOf(document, path)[left - 1]!));
  }
  return result;
}

/** True when comments on lines of their own stand inside the table or list at `path`. */
export function commentedToml(text: string, path: Path): boolean {
  const document = readToml(text);
  return placesOf(document, path).some((place) => {
    const end = place.form === "block" ? blockEnd(document, place.node) : place.node.range[1];
    return document.comments.some(
      (comment) =>
        comment.start > place.node.range[0] &&
        comment.end <= end &&
        isBlank(text.slice(lineStart(text, comment.start), comment.start)),
    );
  });
}

function removePlace(document: TomlDocument, place: Place): TextEdit[] {
  if (place.form === "item") return removeItem(document.text, place.list, place.index);
  if (place.form === "block") return [removeBlock(document, place.node)];
  const [start, end] = place.node.range;
  return [{ start: lineStart(document.text, start), end: nextLine(document.text, end), text: "" }];
}

function addKey(document: TomlDocument, path: readonly string[], value: unknown): TextEdit[] {
  const { tables } = document;
  const parent = path.slice(0, -1);
  const line = (depth: number) => `${tomlKey(path.slice(depth))} = ${tomlValue(value)}`;
  const holder = holderOf(document, parent);
  if (holder.form === "inline") return addItem(document, holder.node, line(holder.depth));
  if (holder.form === "dotted") return [insertLine(document, holder.last, line(holder.depth))];
  // A table of a section (the top level, an environment) is written with a header, one within another table inline.
  const isSection = parent.length === 0 || (parent.length === 2 && parent[0] === "env");
  if (isTable(value) && isSection) {
    return [insertBlock(document, sectionEnd(document, path), `[${tomlKey(path)}]`, value)];
  }
  if (parent.length === 0) return [insertTopLine(document, line(0))];
  const header = tables.find(({ resolvedKey: key }) => key.length === parent.length && startsWith(key, parent));
  if (header) return [insertLine(document, header.body.at(-1) ?? header, line(parent.length))];
  const below = tables.find(({ resolvedKey }) => startsWith(resolvedKey, parent));
  const at = below ? startWithComments(document, below) : sectionEnd(document, path);
  return [insertBlock(document, at, `[${tomlKey(parent)}]`, { [path.at(-1)!]: value })];
}

function addItem(document: TomlDocument, node: AST.TOMLArray | AST.TOMLInlineTable, item: string): TextEdit[] {
  const padding = node.type === "TOMLInlineTable" ? " " : "";
  const style = { eol: endOfLine(document.text), indent: "  ", emptyOnOneLine: true, padding };
  return insertItem(document.text, listOf(document, node), () => item, style);
}

/**
 * What holds the table at a path, or the nearest table above it: where a new key in it has to be written. `depth` is the
 * length of the path at which the new key's own dotted path begins.
 */
type Holder =
  | { form: "inline"; node: AST.TOMLInlineTable; depth: number }
  | { form: "dotted"; last: AST.TOMLKeyValue; depth: number }
  /** Headers, or nothing yet: a new header can be written. */
  | { form: "headers" };

function holderOf(document: TomlDocument, path: readonly string[]): Holder {
  for (let depth = path.length; depth > 0; depth--) {
    const prefix = path.slice(0, depth);
    const value = valueAt(document, prefix);
    if (value?.type === "TOMLInlineTable") return { form: "inline", node: value, depth };
    const places = placesOf(document, prefix);
    if (places.some(({ form }) => form === "block")) return { form: "headers" };
    const last = places.at(-1);
    if (last?.form === "line") return { form: "dotted", last: last.node, depth: last.table?.resolvedKey.length ?? 0 };
    // A dotted key inside an inline table: `env = { staging.vars.A = 1 }`.
    if (last?.form === "item" && last.node.type === "TOMLKeyValue" && last.node.parent.type === "TOMLInlineTable") {
      return { form: "inline", node: last.node.parent, depth: last.path.length - keysOf(last.node).length };
    }
  }
  return { form: "headers" };
}

function isTable(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
