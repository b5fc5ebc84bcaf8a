/**
 * Edits of JSON with comments. jsonc-parser reads it; its own `modify` is not used, because it formats the neighbours of
 * what it changes anew and moves or drops the comments beside them.
 */
import { getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode, visit } from "jsonc-parser";
import { TroupeError } from "../../errors.ts";
import { insertItem, type List, type ListStyle, removeItem } from "./list.ts";
import { applyEdits, endOfLine, hasNewline, indentation, type Span } from "./text.ts";

type Path = readonly (string | number)[];

interface Document {
  text: string;
  root: Node;
  commas: number[];
  comments: Span[];
  style: ListStyle;
}

/** @throws TroupeError CONFIG when the text is not JSON */
export function parseJsonc(text: string): unknown {
  return getNodeValue(read(text).root);
}

/** Puts `value` behind the last element of the list at `path`, which is made if need be. */
export function appendJsonc(text: string, path: readonly string[], value: unknown): string {
  const document = read(text);
  const list = find(document.root, path);
  if (list?.type !== "array") return setJsonc(text, path, [value]);
  const model = neighbour(list.children?.at(-1), document);
  return applyEdits(
    text,
    insertItem(text, listOf(document, list), (indent) => json(value, indent, document, model), document.style),
  );
}

/** Gives the key at `path` this value; objects above it are made if need be. */
export function setJsonc(text: string, path: readonly string[], value: unknown): string {
  const document = read(text);
  const existing = find(document.root, path);
  if (existing) {
    const { offset, length } = existing;
    const content = json(value, indentation(text, offset), document, neighbour(existing, document));
    return applyEdits(text, [{ start: offset, end: offset + length, text: content }]);
  }
  let depth = path.length - 1;
  while (depth > 0 && find(document.root, path.slice(0, depth))?.type !== "object") depth--;
  const parent = find(document.root, path.slice(0, depth))!;
  if (parent.type !== "object")
    throw new TroupeError("INTERNAL", "a config file that is no JSON object was to be edited");
  const rest = path.slice(depth);
  const nested = rest.slice(1).reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
  const model = rest.length === 1 ? neighbour(parent.children?.at(-1)?.children?.[1], document) : "lines";
  const render = (indent: string) => `${JSON.stringify(rest[0])}: ${json(nested, indent, document, model)}`;
  return applyEdits(text, insertItem(text, listOf(document, parent), render, document.style));
}

/** Removes what stands at `path`, if there is something. */
export function removeJsonc(text: string, path: Path): string {
  const document = read(text);
  const parent = find(document.root, path.slice(0, -1));
  const last = path.at(-1)!;
  const index =
    parent?.type === "object"
      ? (parent.children ?? []).findLastIndex((property) => property.children![0]!.value === last)
      : Number(last);
  if (!parent?.children?.[index]) return text;
  return applyEdits(text, removeItem(text, listOf(document, parent), index));
}

/** True when comments stand inside the brackets of the array or object at `path`. */
export function commentedJsonc(text: string, path: Path): boolean {
  const document = read(text);
  const node = find(document.root, path);
  return node !== undefined && listOf(document, node).comments.length > 0;
}

function read(text: string): Document {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (!root || error) {
    throw new TroupeError("CONFIG", `not valid JSON: ${error ? printParseErrorCode(error.error) : "empty"}`);
  }
  const commas: number[] = [];
  const comments: Span[] = [];
  visit(text, {
    onSeparator: (character, offset) => {
      if (character === ",") commas.push(offset);
    },
    onComment: (offset, length) => comments.push({ start: offset, end: offset + length }),
  });
  return { text, root, commas, comments, style: styleOf(text, root) };
}

function find(root: Node, path: Path): Node | undefined {
  let node: Node | undefined = root;
  for (const key of path) {
    const children: Node[] = node?.children ?? [];
    if (node?.type === "object")
      node = children.findLast((property) => property.children![0]!.value === key)?.children?.[1];
    else node = node?.type === "array" ? children[Number(key)] : undefined;
  }
  return node;
}

function listOf(document: Document, node: Node): List {
  const open = node.offset;
  const close = node.offset + node.length - 1;
  const items = (node.children ?? []).map((child) => ({ start: child.offset, end: child.offset + child.length }));
  const gaps = items.map(({ end }, index) => ({ start: end, end: items[index + 1]?.start ?? close }));
  const within = ({ start, end }: Span) => start > open && end <= close;
  return {
    open,
    close,
    items,
    commas: gaps.map((gap) => document.commas.find((comma) => comma >= gap.start && comma < gap.end)),
    comments: document.comments.filter(
      (comment) => within(comment) && !items.some((item) => comment.start >= item.start && comment.end <= item.end),
    ),
  };
}

/** The file's own line ending and indentation, read off its first nested line. */
function styleOf(text: string, root: Node): ListStyle {
  const first = root.children?.[0];
  const own = first && hasNewline(text.slice(root.offset, first.offset)) ? indentation(text, first.offset) : "";
  return { eol: endOfLine(text), indent: own === "" ? "  " : own, emptyOnOneLine: false, padding: " " };
}

/** How a neighbour of what is to be written is laid out: on one line (with or without inner spaces), or on several. */
type Layout = "lines" | "spaced" | "tight";

function neighbour(node: Node | undefined, { text }: Document): Layout {
  if (!node || (node.type !== "object" && node.type !== "array")) return "lines";
  // A list of tables is laid out by the tables in it.
  const inner = node.type === "array" && node.children?.[0]?.type === "object" ? node.children[0] : node;
  const content = text.slice(inner.offset, inner.offset + inner.length);
  if (inner.children?.length === 0 || hasNewline(content)) return "lines";
  return /^[{[]\s/.test(content) ? "spaced" : "tight";
}

function json(value: unknown, indent: string, { style }: Document, layout: Layout): string {
  if (layout === "lines") return JSON.stringify(value, null, style.indent).replaceAll("\n", `${style.eol}${indent}`);
  return oneLine(value, layout === "spaced" ? " " : "");
}

function oneLine(value: unknown, padding: string): string {
  if (Array.isArray(value)) return `[${value.map((item) => oneLine(item, padding)).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${oneLine(item, padding)}`);
  return fields.length === 0 ? "{}" : `{${padding}${fields.join(", ")}${padding}}`;
}
