/** What goes wrong in a run of `dev` that goes on. */
import { type Diagnostic, TroupeError } from "../../errors.ts";

/** What went wrong last, as long as it is not mended. */
export interface DevFailure {
  phase: "config" | "build" | "start";
  message: string;
  diagnostics: Diagnostic[];
}

/** The failure as it is thrown to those who don't want to go on. */
export function asError({ phase, message, diagnostics }: DevFailure): TroupeError {
  const code = phase === "start" ? "START" : phase === "build" ? "BUILD" : "CONFIG";
  const { location, notes } = diagnostics[0] ?? {};
  return new TroupeError(code, message, { location, notes, diagnostics });
}

/** An error that carries no single faults, as the one fault that it is. */
export function ownDiagnostic({ code, message, location, notes }: TroupeError): Diagnostic {
  return { severity: "error", code: code.toLowerCase(), message, location, notes };
}
