/** Positions in a text that is edited in place: lines, indentation, spans. Offsets are UTF-16 code units, as in strings. */

/** From `start` up to, not including, `end`. */
export interface Span {
  start: number;
  end: number;
}

/** One replacement; an insertion has `start === end`. */
export interface TextEdit extends Span {
  text: string;
}

/** Applies edits that do not overlap, in any order. Insertions at one place keep their order. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  const ordered = edits.map((edit, index) => ({ edit, index }));
  ordered.sort((a, b) => b.edit.start - a.edit.start || b.index - a.index);
  let result = text;
  for (const { edit } of ordered) result = result.slice(0, edit.start) + edit.text + result.slice(edit.end);
  return result;
}

/** The line ending that the text uses. */
export function endOfLine(text: string): string {
  const newline = text.indexOf("\n");
  return newline > 0 && text[newline - 1] === "\r" ? "\r\n" : "\n";
}

/** Offset of the first character of the line that holds `offset`. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/** Offset of the end of the line that holds `offset`, before its line ending. */
export function lineEnd(text: string, offset: number): number {
  const newline = text.indexOf("\n", offset);
  if (newline < 0) return text.length;
  return newline > offset && text[newline - 1] === "\r" ? newline - 1 : newline;
}

/** Offset behind the line ending of the line that holds `offset`. */
export function nextLine(text: string, offset: number): number {
  const newline = text.indexOf("\n", offset);
  return newline < 0 ? text.length : newline + 1;
}

/** The white space that the line of `offset` begins with. */
export function indentation(text: string, offset: number): string {
  const start = lineStart(text, offset);
  return /^[ \t]*/.exec(text.slice(start, offset))![0];
}

/** Whether there is nothing in it but space. */
export function isBlank(text: string): boolean {
  return text.trim() === "";
}

export function hasNewline(text: string): boolean {
  return text.includes("\n");
}
