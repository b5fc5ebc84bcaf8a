import path from "node:path";
import type { Diagnostic } from "../errors.ts";
import { codeFrame } from "./code-frame.ts";
import type { Style } from "./output.ts";

/**
 * One diagnostic as lines: what, where with the source line, what next.
 * @param cwd file names are shown relative to it
 */
export function formatDiagnostic(diagnostic: Diagnostic, style: Style, cwd: string): string[] {
  const { severity, message, location, notes = [] } = diagnostic;
  const label = severity === "error" ? style.red("error:") : style.yellow("warning:");
  const lines = [`${style.bold(label)} ${style.bold(firstLine(message))}`, ...otherLines(message)];
  if (location) {
    const { line, column } = location;
    lines.push(`${style.blue(" -->")} ${displayPath(location.file, cwd)}:${line}:${column}`);
    for (const row of codeFrame(location, style)) lines.push(`  ${row}`);
  }
  for (const note of notes) lines.push(`  ${style.cyan("help:")} ${note.replaceAll("\n", "\n        ")}`);
  return lines;
}

/** Relative to `cwd`, unless the file lies so far away that the absolute path says more. */
export function displayPath(file: string, cwd: string): string {
  const relative = path.relative(cwd, file);
  return relative === "" || relative.startsWith(path.join("..", "..", "..")) ? file : relative;
}

function firstLine(message: string): string {
  return message.split("\n", 1)[0]!;
}

function otherLines(message: string): string[] {
  return message.split("\n").slice(1);
}
