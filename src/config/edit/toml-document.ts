/** A TOML text as an editor sees it: which lines, tables and inline items make up the value at a path. */
import { type AST, parseTOML } from "toml-eslint-parser";
import type { List } from "./list.ts";
import type { Span } from "./text.ts";

export type Path = readonly (string | number)[];

export interface TomlDocument {
  text: string;
  /** Key-values before the first table. */
  topLines: AST.TOMLKeyValue[];
  tables: AST.TOMLTable[];
  comments: Span[];
  commas: number[];
}

/** One place in the text that makes up (part of) a value. */
export type Place =
  /** A line (or several) `key = value` in a table or at the top. */
  | { form: "line"; node: AST.TOMLKeyValue; path: Path; table: AST.TOMLTable | undefined }
  /** `[header]` or `[[header]]` with what follows it. */
  | { form: "block"; node: AST.TOMLTable; path: Path }
  /** An item of an array or of an inline table. */
  | { form: "item"; list: List; index: number; node: AST.TOMLKeyValue | AST.TOMLContentNode; path: Path };

/** @throws the parser's error when the text is not TOML */
export function readToml(text: string): TomlDocument {
  const ast = parseTOML(text, { tomlVersion: "1.1" });
  const topLines: AST.TOMLKeyValue[] = [];
  const tables: AST.TOMLTable[] = [];
  for (const node of ast.body[0].body) {
    if (node.type === "TOMLTable") tables.push(node);
    else topLines.push(node);
  }
  return {
    text,
    topLines,
    tables,
    comments: ast.comments.map((comment) => spanOf(comment)),
    commas: ast.tokens.filter(({ type, value }) => type === "Punctuator" && value === ",").map(({ range }) => range[0]),
  };
}

/** Every place at or below `path`, outermost only: an inline table is one place, whatever it holds. In the order written. */
export function placesOf(document: TomlDocument, path: Path): Place[] {
  const places: Place[] = document.topLines.flatMap((node) => placesInLine(document, node, [], undefined, path));
  for (const table of document.tables) {
    if (startsWith(table.resolvedKey, path)) places.push({ form: "block", node: table, path: table.resolvedKey });
    else if (startsWith(path, table.resolvedKey)) {
      places.push(...table.body.flatMap((node) => placesInLine(document, node, table.resolvedKey, table, path)));
    }
  }
  return places;
}

function placesInLine(
  document: TomlDocument,
  node: AST.TOMLKeyValue,
  base: Path,
  table: AST.TOMLTable | undefined,
  path: Path,
): Place[] {
  const own = [...base, ...keysOf(node)];
  if (startsWith(own, path)) return [{ form: "line", node, path: own, table }];
  return startsWith(path, own) ? placesInValue(document, node.value, own, path) : [];
}

function placesInValue(document: TomlDocument, value: AST.TOMLContentNode, base: Path, path: Path): Place[] {
  if (value.type !== "TOMLArray" && value.type !== "TOMLInlineTable") return [];
  const list = listOf(document, value);
  const nodes: readonly (AST.TOMLContentNode | AST.TOMLKeyValue)[] =
    value.type === "TOMLArray" ? value.elements : value.body;
  return nodes.flatMap((node, index): Place[] => {
    const own = [...base, ...(node.type === "TOMLKeyValue" ? keysOf(node) : [index])];
    if (startsWith(own, path)) return [{ form: "item", list, index, node, path: own }];
    return startsWith(path, own)
      ? placesInValue(document, node.type === "TOMLKeyValue" ? node.value : node, own, path)
      : [];
  });
}

/** The node of the value at exactly `path`, where one node holds it. */
export function valueAt(document: TomlDocument, path: Path): AST.TOMLContentNode | undefined {
  for (const place of placesOf(document, path)) {
    if (place.form === "block" || place.path.length !== path.length) continue;
    return place.node.type === "TOMLKeyValue" ? place.node.value : place.node;
  }
  return undefined;
}

/** An array or inline table, as a list whose items can be added and removed. */
export function listOf(document: TomlDocument, node: AST.TOMLArray | AST.TOMLInlineTable): List {
  const { start, end } = spanOf(node);
  const close = end - 1;
  const items = (node.type === "TOMLArray" ? node.elements : node.body).map((item) => spanOf(item));
  return {
    open: start,
    close,
    items,
    commas: items.map((item, index) => {
      const limit = items[index + 1]?.start ?? close;
      return document.commas.find((comma) => comma >= item.end && comma < limit);
    }),
    comments: document.comments.filter(
      (comment) =>
        comment.start > start &&
        comment.end <= close &&
        !items.some((item) => comment.start >= item.start && comment.end <= item.end),
    ),
  };
}

function spanOf(node: { range: readonly [number, number] }): Span {
  return { start: node.range[0], end: node.range[1] };
}

/** The parts of a key as it is written: `a."b.c"` → a, b.c. */
export function keysOf(node: AST.TOMLKeyValue): string[] {
  return node.key.keys.map((key) => (key.type === "TOMLBare" ? key.name : key.value));
}

/** Whether a path lies at or below another. */
export function startsWith(path: Path, prefix: Path): boolean {
  return prefix.length <= path.length && prefix.every((key, index) => key === path[index]);
}
