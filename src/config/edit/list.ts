/**
 * Editing what stands between two brackets, separated by commas: arrays and inline tables of TOML, arrays and objects of
 * JSON. Comments and the layout of everything else stay as they are.
 */
import { hasNewline, indentation, isBlank, lineEnd, lineStart, nextLine, type Span, type TextEdit } from "./text.ts";

export interface List {
  /** Offset of the opening bracket. */
  open: number;
  /** Offset of the closing bracket. */
  close: number;
  items: readonly Span[];
  /** Offset of the comma behind the item of the same index, where there is one. */
  commas: readonly (number | undefined)[];
  /** Comments between the items, in the order written. */
  comments: readonly Span[];
}

export interface ListStyle {
  eol: string;
  /** One level of indentation, for the first item of a list that goes over several lines. */
  indent: string;
  /** A list without items becomes one line (TOML) or one item a line (JSON). */
  emptyOnOneLine: boolean;
  /** Space inside the brackets of a list on one line: `{ a = 1 }`. */
  padding: string;
}

/**
 * Adds an item at the end, laid out as the last one is.
 * @param render gets the indentation of the line that the item begins on, and whether items stand on lines of their own
 */
export function insertItem(
  text: string,
  list: List,
  render: (indent: string, ownLine: boolean) => string,
  style: ListStyle,
): TextEdit[] {
  const last = list.items.at(-1);
  return last ? insertAfter(text, list, last, render, style) : insertFirst(text, list, render, style);
}

function insertFirst(
  text: string,
  list: List,
  render: (indent: string, ownLine: boolean) => string,
  style: ListStyle,
): TextEdit[] {
  const { open, close } = list;
  const outer = indentation(text, open);
  const inside = text.slice(open + 1, close);
  if (!hasNewline(inside) && list.comments.length === 0) {
    const content = style.emptyOnOneLine
      ? `${style.padding}${render(outer, false)}${style.padding}`
      : `${style.eol}${outer}${style.indent}${render(outer + style.indent, true)}${style.eol}${outer}`;
    return [{ start: open + 1, end: close, text: content }];
  }
  // Behind the comments, on a line of its own before the closing bracket.
  const lastComment = list.comments.at(-1);
  const indent = lastComment ? indentation(text, lastComment.start) : outer + style.indent;
  const behind = lastComment ? lastComment.end : open + 1;
  return [{ start: behind, end: close, text: `${style.eol}${indent}${render(indent, true)}${style.eol}${outer}` }];
}

function insertAfter(
  text: string,
  list: List,
  last: Span,
  render: (indent: string, ownLine: boolean) => string,
  style: ListStyle,
): TextEdit[] {
  const index = list.items.length - 1;
  const previousEnd = index > 0 ? list.items[index - 1]!.end : list.open + 1;
  const ownLine = hasNewline(text.slice(previousEnd, last.start));
  const comma = list.commas[index];
  const behind = comma === undefined ? last.end : comma + 1;
  const commaEdit: TextEdit[] = comma === undefined ? [{ start: last.end, end: last.end, text: "," }] : [];
  const trailing = comma === undefined ? "" : ",";
  if (!ownLine) {
    return [
      ...commaEdit,
      { start: behind, end: behind, text: ` ${render(indentation(text, last.start), false)}${trailing}` },
    ];
  }
  const indent = indentation(text, last.start);
  const at = endOfItemLine(text, list, behind);
  return [...commaEdit, { start: at, end: at, text: `${style.eol}${indent}${render(indent, true)}${trailing}` }];
}

/** Where the line of an item ends: behind the comments that follow it there, but before the closing bracket. */
function endOfItemLine(text: string, list: List, behind: number): number {
  let at = behind;
  for (const comment of list.comments) {
    if (comment.start >= at && isBlank(text.slice(at, comment.start)) && !hasNewline(text.slice(at, comment.start))) {
      at = comment.end;
    }
  }
  return at;
}

/**
 * Removes an item with its comma, and with the comments on its own lines. A comment on a line above stays: it may be about
 * more than this item.
 */
export function removeItem(text: string, list: List, index: number): TextEdit[] {
  const item = list.items[index]!;
  const comma = list.commas[index];
  const behind = comma === undefined ? item.end : comma + 1;
  if (list.items.length === 1 && list.comments.length === 0)
    return [{ start: list.open + 1, end: list.close, text: "" }];

  const edits: TextEdit[] = [];
  const previousComma = index > 0 ? list.commas[index - 1] : undefined;
  const isLast = index === list.items.length - 1;
  const rest = endOfItemLine(text, list, behind);
  const aloneBefore = isBlank(text.slice(Math.max(lineStart(text, item.start), list.open + 1), item.start));
  const startsLine = aloneBefore && lineStart(text, item.start) > list.open;
  const endsLine = isBlank(text.slice(rest, lineEnd(text, rest))) && lineEnd(text, rest) < list.close;

  if (startsLine && endsLine) {
    edits.push({ start: lineStart(text, item.start), end: nextLine(text, rest), text: "" });
    if (isLast && comma === undefined && previousComma !== undefined) {
      edits.push({ start: previousComma, end: previousComma + 1, text: "" });
    }
    return edits;
  }
  if (!isLast) {
    const next = list.items[index + 1]!.start;
    // On one line, what stands behind the comma is about the next item.
    const own = hasNewline(text.slice(behind, next)) ? rest : behind;
    const kept = list.comments.find((comment) => comment.start >= own && comment.end <= next);
    return [{ start: item.start, end: kept === undefined ? next : own === behind ? kept.start : own, text: "" }];
  }
  if (comma !== undefined || previousComma === undefined) {
    const from = previousComma === undefined ? item.start : previousComma + 1;
    return [{ start: hasComment(list, from, item.start) ? item.start : from, end: behind, text: "" }];
  }
  if (hasComment(list, previousComma, item.start)) {
    return [
      { start: previousComma, end: previousComma + 1, text: "" },
      { start: item.start, end: behind, text: "" },
    ];
  }
  return [{ start: previousComma, end: behind, text: "" }];
}

function hasComment(list: List, start: number, end: number): boolean {
  return list.comments.some((comment) => comment.start >= start && comment.end <= end);
}
