/** How a failed command ends: for a person on stderr, or as one JSON document. */
import { type Diagnostic, type ErrorCode, TroupeError } from "../errors.ts";
import type { Output } from "./output.ts";

/** Everything that a program gets to know about an error (docs/cli.md). */
export function failureJson(error: unknown): { error: Record<string, unknown> } {
  if (!(error instanceof TroupeError)) {
    return { error: { code: "INTERNAL" satisfies ErrorCode, message: messageOf(error), notes: [] } };
  }
  const { code, message, location, notes, diagnostics } = error;
  return { error: { code, message, location, notes, diagnostics } };
}

/** A warning under `--json`: one line on stderr. */
export function diagnosticJson({ severity, ...diagnostic }: Diagnostic): Record<string, unknown> {
  return { [severity]: diagnostic };
}

/** Shows why a command failed; an error that is none of ours as a bug. */
export function renderFailure(error: unknown, output: Output, options: { verbose: boolean }): void {
  if (!(error instanceof TroupeError)) {
    output.diagnostic({
      severity: "error",
      code: "internal",
      message: `a bug in troupe: ${messageOf(error)}`,
      notes: options.verbose
        ? []
        : ["run it again with --verbose to see where it happened, and please report both to troupe's authors"],
    });
    if (options.verbose) output.note(stackOf(error));
    return;
  }
  // Who pressed Ctrl-C knows that it is over, but not what was put back.
  if (error.code === "INTERRUPTED") {
    for (const line of [error.message, ...error.notes]) output.note(line);
    return;
  }
  for (const diagnostic of error.diagnostics) output.diagnostic(diagnostic);
  if (!repeats(error, error.diagnostics)) output.diagnostic(asDiagnostic(error));
  if (options.verbose && error.cause !== undefined) output.note(stackOf(error.cause));
}

/** An error made from one diagnostic says nothing new; one made from several is their summary. */
function repeats(error: TroupeError, diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.length === 1 && diagnostics[0]!.message === error.message;
}

function asDiagnostic({ code, message, location, notes }: TroupeError): Diagnostic {
  return { severity: "error", code: code.toLowerCase(), message, ...(location && { location }), notes };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? messageOf(error)) : String(error);
}
