import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Diagnostic } from "../errors.ts";
import { displayPath, formatDiagnostic } from "./diagnostic.ts";
import type { Output } from "./output.ts";
import { createStyle, wantsColour } from "./style.ts";
import { formatTable } from "./table.ts";

interface Stream {
  isTTY?: boolean;
  columns?: number;
  write(text: string | Uint8Array): unknown;
}

export interface OutputOptions {
  stdout: Stream;
  stderr: Stream;
  env: Record<string, string | undefined>;
  /** File names are shown relative to it. */
  cwd: string;
}

/** Output to a person: results to stdout, talk to stderr, colours where the stream can show them. */
export function createOutput({ stdout, stderr, env, cwd }: OutputOptions): Output {
  const style = createStyle(wantsColour(stdout, env));
  const errorsColoured = wantsColour(stderr, env);
  const errorStyle = createStyle(errorsColoured);
  return {
    style,
    line(text = "") {
      stdout.write(`${text}\n`);
    },
    bytes(contents) {
      stdout.write(contents);
    },
    note(text) {
      // Commands style with `style`, which is stdout's: `2> file` must not get its colours.
      stderr.write(`${errorsColoured ? text : stripVTControlCharacters(text)}\n`);
    },
    table(headings, rows) {
      const [heading, ...lines] = formatTable(headings, rows, stdout.isTTY ? stdout.columns : undefined);
      stdout.write(`${style.bold(heading!)}\n`);
      for (const line of lines) stdout.write(`${line}\n`);
    },
    diagnostic(diagnostic: Diagnostic) {
      stderr.write(`${formatDiagnostic(diagnostic, errorStyle, cwd).join("\n")}\n`);
    },
    path: (file) => (path.relative(cwd, file) === "" ? "." : displayPath(file, cwd)),
  };
}
