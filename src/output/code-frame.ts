import { readFileSync } from "node:fs";
import type { Location } from "../errors.ts";
import type { Style } from "./output.ts";

/** Longer lines (minified code) are shown around the place only. */
const LINE_WIDTH = 110;

/**
 * The source line of a place with the place underlined, as lines to print below `--> file:line:column`.
 * Empty when the file cannot be read or has no such line.
 */
export function codeFrame({ file, line, column, length = 1 }: Location, style: Style): string[] {
  const source = sourceLine(file, line);
  if (source === undefined) return [];
  const at = Math.min(column - 1, source.length);
  const start = at > LINE_WIDTH - 20 ? at - 40 : 0;
  const end = Math.min(source.length, start + LINE_WIDTH);
  const shown = `${start > 0 ? "…" : ""}${source.slice(start, end)}${end < source.length ? "…" : ""}`;
  const indent = at - start + (start > 0 ? 1 : 0);
  const underlined = Math.max(1, Math.min(length, end - at));

  const gutter = String(line);
  const empty = " ".repeat(gutter.length);
  // A tab before the place is as wide under the line as in it.
  const blank = shown.slice(0, indent).replace(/[^\t]/g, " ");
  return [
    style.blue(`${empty} |`),
    `${style.blue(`${gutter} |`)} ${shown}`,
    `${style.blue(`${empty} |`)} ${blank}${style.red("^".repeat(underlined))}`,
  ];
}

function sourceLine(file: string, line: number): string | undefined {
  try {
    return readFileSync(file, "utf8").split(/\r\n|\r|\n/)[line - 1];
  } catch {
    return undefined;
  }
}
