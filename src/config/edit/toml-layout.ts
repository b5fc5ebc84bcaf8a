/** Lines and tables of a TOML text: where they begin and end, and how new ones are set between them. */
import type { AST } from "toml-eslint-parser";
import { endOfLine, indentation, isBlank, lineEnd, lineStart, nextLine, type TextEdit } from "./text.ts";
import { startsWith, type TomlDocument } from "./toml-document.ts";
import { tomlKey, tomlValue } from "./toml-value.ts";

const BLANK_LINE = /^[ \t]*\r?\n/;
const ENDS_WITH_BLANK_LINE = /\n[ \t]*\r?\n$/;

/** A new line behind a key-value or a header, indented as that is. */
export function insertLine({ text }: TomlDocument, after: AST.TOMLKeyValue | AST.TOMLTable, line: string): TextEdit {
  const at = lineEnd(text, after.type === "TOMLTable" ? headerEnd(text, after) : after.range[1]);
  return { start: at, end: at, text: `${endOfLine(text)}${indentation(text, after.range[0])}${line}` };
}

/** A key-value at the top level has to stand before the first table. */
export function insertTopLine(document: TomlDocument, line: string): TextEdit {
  const { text, topLines, tables } = document;
  const last = topLines.at(-1);
  if (last) return insertLine(document, last, line);
  const eol = endOfLine(text);
  const [first] = tables;
  const at = first ? startWithComments(document, first) : text.length;
  const lead = at > 0 && !text.slice(0, at).endsWith("\n") ? eol : "";
  return { start: at, end: at, text: `${lead}${line}${eol}${first ? eol : ""}` };
}

/**
 * A new header with its key-values, set off by blank lines.
 * @param at the start of a line, or the end of the text
 */
export function insertBlock({ text }: TomlDocument, at: number, header: string, values: object): TextEdit {
  const eol = endOfLine(text);
  const before = text.slice(0, at);
  const after = text.slice(at);
  const lines = [header, ...Object.entries(values).map(([key, value]) => `${tomlKey([key])} = ${tomlValue(value)}`)];
  let lead = "";
  if (!isBlank(before) && !ENDS_WITH_BLANK_LINE.test(before)) lead = before.endsWith("\n") ? eol : eol + eol;
  // A text without a line ending at its end stays so.
  const end = after !== "" || before === "" || before.endsWith("\n") ? eol : "";
  const gap = after === "" || BLANK_LINE.test(after) ? "" : eol;
  return { start: at, end: at, text: `${lead}${lines.join(eol)}${end}${gap}` };
}

/** Removes a table's header and key-values, and one of the two gaps around them. */
export function removeBlock(document: TomlDocument, table: AST.TOMLTable): TextEdit {
  const { text } = document;
  const start = lineStart(text, table.range[0]);
  let end = blockEnd(document, table);
  if (isBlank(text.slice(end))) {
    // The last table of the file: the blank lines before it go, and the file ends as it did.
    const kept = text.slice(0, start).trimEnd();
    return { start: kept.length, end: text.length, text: kept !== "" && text.endsWith("\n") ? endOfLine(text) : "" };
  }
  if (isBlank(text.slice(0, start)) || ENDS_WITH_BLANK_LINE.test(text.slice(0, start))) {
    for (let blank = BLANK_LINE.exec(text.slice(end)); blank; blank = BLANK_LINE.exec(text.slice(end))) {
      end += blank[0].length;
    }
  }
  return { start, end, text: "" };
}

/**
 * The offset behind the last line of a table: its key-values, and comments that follow them without a blank line and
 * do not stand directly above the next header.
 */
export function blockEnd(document: TomlDocument, table: AST.TOMLTable): number {
  const { text, tables, comments } = document;
  const last = table.body.at(-1);
  const next = tables.find(({ range }) => range[0] > table.range[0]);
  const limit = next ? startWithComments(document, next) : text.length;
  let end = nextLine(text, last ? last.range[1] : headerEnd(text, table));
  for (const comment of comments) {
    const between = text.slice(end, comment.start);
    if (comment.start >= end && comment.start < limit && isBlank(between) && !between.includes("\n")) {
      end = nextLine(text, comment.end);
    }
  }
  return end;
}

/** Where a table begins, with the comments that stand directly above its header. */
export function startWithComments({ text, comments }: TomlDocument, table: AST.TOMLTable): number {
  let start = lineStart(text, table.range[0]);
  for (const comment of comments.toReversed()) {
    const line = lineStart(text, comment.start);
    if (nextLine(text, comment.end) === start && isBlank(text.slice(line, comment.start))) start = line;
  }
  return start;
}

/**
 * Where a new table is written: behind its family (`[[queues.consumers]]` behind `[[queues.producers]]`), else behind the
 * last table of its section. Sections are the top level and each environment; without a table yet, the top level ends
 * before the first environment, and an environment begins at the end of the file.
 */
export function sectionEnd(document: TomlDocument, path: readonly string[]): number {
  const { text, tables } = document;
  const section = path[0] === "env" ? path.slice(0, 2) : [];
  const inSection = tables.filter(({ resolvedKey }) =>
    section.length > 0 ? startsWith(resolvedKey, section) : resolvedKey[0] !== "env",
  );
  const family = inSection.filter(({ resolvedKey }) => resolvedKey[section.length] === path[section.length]);
  const last = family.at(-1) ?? inSection.at(-1);
  if (last) return blockEnd(document, last);
  const [first] = tables;
  return section.length === 0 && first ? startWithComments(document, first) : text.length;
}

/** The offset behind the brackets of a header. */
function headerEnd(text: string, table: AST.TOMLTable): number {
  return text.indexOf("]", table.key.range[1]) + (table.kind === "array" ? 2 : 1);
}
