import stringWidth from "fast-string-truncated-width";

const GAP = 2;
const NARROWEST = 6;

/**
 * Rows under headings, columns aligned. Cells may hold colours; a cell's line breaks become spaces.
 * @param width columns of the terminal: the widest columns are cut to fit. Absent: nothing is cut.
 */
export function formatTable(headings: string[], rows: string[][], width?: number): string[] {
  const lines = [headings, ...rows].map((row) => headings.map((_, at) => (row[at] ?? "").replace(/\s*\n\s*/g, " ")));
  const widths = headings.map((_, at) => Math.max(...lines.map((line) => stringWidth(line[at]!).width)));
  if (width !== undefined) shrink(widths, width - GAP * (widths.length - 1));
  return lines.map((line) =>
    line
      .map((cell, at) => pad(cell, widths[at]!))
      .join(" ".repeat(GAP))
      .trimEnd(),
  );
}

/** Takes from the widest column, one by one, until the sum is at most `room`. */
function shrink(widths: number[], room: number): void {
  let excess = widths.reduce((sum, width) => sum + width, 0) - room;
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= NARROWEST) return;
    widths[widest]!--;
    excess--;
  }
}

function pad(cell: string, width: number): string {
  const measured = stringWidth(cell, { limit: width, ellipsis: "…" });
  if (!measured.truncated) return cell + " ".repeat(width - measured.width);
  const cut = `${cell.slice(0, measured.index)}…`;
  const padding = " ".repeat(Math.max(0, width - stringWidth(cut).width));
  // What was cut off may have been the end of a colour.
  return (cut.includes("\u001b[") ? `${cut}\u001b[0m` : cut) + padding;
}
