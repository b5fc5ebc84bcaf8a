/** esbuild's messages → diagnostics. */
import path from "node:path";
import type { BuildFailure, Message, Location as MessageLocation } from "esbuild";
import { type Diagnostic, type Location, TroupeError } from "../errors.ts";
import { explain } from "./explain.ts";
import { type Project, relativePath, settingLocation } from "./project.ts";

/** Whether an error is esbuild's list of what is wrong. */
export function isBuildFailure(error: unknown): error is BuildFailure {
  return (
    error instanceof Error &&
    Array.isArray((error as BuildFailure).errors) &&
    Array.isArray((error as BuildFailure).warnings)
  );
}

/** One error that carries all of esbuild's. */
export async function buildError(project: Project, entry: string, failure: BuildFailure): Promise<TroupeError> {
  const diagnostics = await Promise.all(
    failure.errors.map(async (message) => {
      const { setting } = explain(project, message);
      const diagnostic = toDiagnostic(project, "error", message);
      return setting === undefined ? diagnostic : { ...diagnostic, location: await settingLocation(project, setting) };
    }),
  );
  const [first] = diagnostics;
  if (first === undefined) return new TroupeError("BUILD", failure.message, { cause: failure });
  if (diagnostics.length > 1) {
    return new TroupeError(
      "BUILD",
      `Building ${relativePath(project, entry)} failed with ${diagnostics.length} errors`,
      {
        diagnostics,
      },
    );
  }
  return new TroupeError("BUILD", first.message, { location: first.location, notes: first.notes, diagnostics });
}

/** A message of esbuild in our words, with its place in the user's file. */
export function toDiagnostic(project: Project, severity: Diagnostic["severity"], message: Message): Diagnostic {
  const { code, text, notes } = explain(project, message);
  const location = message.location ? toLocation(project, message.location) : undefined;
  return { severity, code, message: text, ...(location && { location }), ...(notes.length > 0 && { notes }) };
}

/** esbuild counts columns from 0 and in bytes of UTF-8; ours count from 1 and in UTF-16 code units, as editors do. */
function toLocation(project: Project, location: MessageLocation): Location | undefined {
  if (location.namespace !== "" && location.namespace !== "file") return undefined;
  const line = Buffer.from(location.lineText);
  const units = (from: number, to: number) => line.subarray(from, to).toString("utf8").length;
  const { column, length } = location;
  return {
    file: path.resolve(project.dir, location.file),
    line: location.line,
    column: units(0, column) + 1,
    ...(length > 0 && { length: Math.max(1, units(column, column + length)) }),
  };
}
