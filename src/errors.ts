/** The one error type of troupe, and the one table from error code to exit code. */

/** A place in a file that a person wrote. Lines and columns count from 1. */
export interface Location {
  /** Absolute path; rendering makes it relative to the current folder. */
  file: string;
  line: number;
  column: number;
  /** Number of characters to underline, when known. */
  length?: number;
}

/**
 * One thing to say about the user's input: what is wrong, where, and what would be right.
 * A message is data and is printed only at the edge (the idea is esbuild's).
 */
export interface Diagnostic {
  severity: "error" | "warning";
  /** Stable, kebab-case, for programs: "unknown-key", "duplicate-binding", … */
  code: string;
  message: string;
  location?: Location;
  /** What to do next, one sentence each: "did you mean …", "add … to …". */
  notes?: string[];
}

/** Exit codes, by error code. docs/cli.md promises these numbers. */
export const EXIT_CODES = {
  /** A bug in troupe. */
  INTERNAL: 1,
  USAGE: 2,
  CONFIG: 3,
  BUILD: 4,
  /** The bundle is fine, but the runtime refuses to start it (a Worker throws at start-up, …). */
  START: 4,
  NOT_FOUND: 5,
  CONFLICT: 6,
  PROTECTED: 6,
  PRECONDITION: 6,
  AUTH: 7,
  UNREACHABLE: 8,
  /** The embedded store cannot be read or written (damaged, disk full, newer schema). */
  STORE: 8,
  INTERRUPTED: 130,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

export interface TroupeErrorOptions {
  location?: Location;
  notes?: string[];
  /** The single faults behind this error, when there is more than one to show (config, build). */
  diagnostics?: Diagnostic[];
  cause?: unknown;
}

/** An error meant for the user. Anything else that reaches `main` is a bug in troupe (exit 1). */
export class TroupeError extends Error {
  readonly code: ErrorCode;
  readonly location: Location | undefined;
  readonly notes: string[];
  readonly diagnostics: Diagnostic[];

  constructor(code: ErrorCode, message: string, options: TroupeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TroupeError";
    this.code = code;
    this.location = options.location;
    this.notes = options.notes ?? [];
    this.diagnostics = options.diagnostics ?? [];
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}

/**
 * Throws one TroupeError that carries every error in `diagnostics`; does nothing when there is none.
 * @throws TroupeError with `code`
 */
export function throwIfErrors(code: ErrorCode, diagnostics: readonly Diagnostic[], summary?: string): void {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error");
  const [first] = errors;
  if (first === undefined) return;
  if (errors.length === 1) {
    throw new TroupeError(code, first.message, {
      ...(first.location && { location: first.location }),
      ...(first.notes && { notes: first.notes }),
      diagnostics: errors,
    });
  }
  throw new TroupeError(code, summary ?? `${errors.length} errors`, { diagnostics: errors });
}
