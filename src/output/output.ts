/** What commands may use to speak to a person. `output/` is the only user of kleur. */
import type { Diagnostic } from "../errors.ts";

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  blue(text: string): string;
  magenta(text: string): string;
  cyan(text: string): string;
  underline(text: string): string;
}

export interface Output {
  style: Style;
  /** A line of the result, to stdout. */
  line(text?: string): void;
  /** Bytes of the result, to stdout, exactly as they are. */
  bytes(contents: Uint8Array): void;
  /** A line of talk (progress, notes), to stderr. */
  note(text: string): void;
  /** Rows under bold headings, columns aligned, cut to the terminal's width when there is one. */
  table(headings: string[], rows: string[][]): void;
  diagnostic(diagnostic: Diagnostic): void;
  /** A file or folder as it reads best from where the person stands. */
  path(file: string): string;
}
