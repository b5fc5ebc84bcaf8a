import { readFileSync } from "node:fs";

/** Lines shown before and after the place. */
const AROUND = 2;

/**
 * The source around a place as plain text, with line numbers and the place underlined.
 * @param place line and column count from 1
 * @returns undefined when the file cannot be read or has no such line
 */
export function sourceFrame(place: {
  file: string;
  line: number;
  column: number;
  length?: number;
}): string | undefined {
  let lines: string[];
  try {
    lines = readFileSync(place.file, "utf8").split(/\r\n|\r|\n/);
  } catch {
    return undefined;
  }
  if (lines[place.line - 1] === undefined) return undefined;
  const first = Math.max(1, place.line - AROUND);
  const last = Math.min(lines.length, place.line + AROUND);
  const width = String(last).length;
  const shown: string[] = [];
  for (let number = first; number <= last; number++) {
    const text = lines[number - 1]!;
    shown.push(`${number === place.line ? ">" : " "} ${String(number).padStart(width)} | ${text}`);
    if (number !== place.line) continue;
    const blank = text.slice(0, place.column - 1).replace(/[^\t]/g, " ");
    shown.push(`  ${" ".repeat(width)} | ${blank}${"^".repeat(Math.max(1, place.length ?? 1))}`);
  }
  return shown.join("\n");
}
