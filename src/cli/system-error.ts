import { TroupeError } from "../errors.ts";

/** What the operating system may refuse that is nobody's bug, in words. https://nodejs.org/api/errors.html#common-system-errors */
const REFUSALS: Record<string, [what: string, next: string]> = {
  EACCES: ["permission denied", "give yourself access to it, or choose another folder"],
  EPERM: ["not permitted", "give yourself access to it, or choose another folder"],
  EROFS: ["the file system is read-only", "choose a folder that can be written (--state-dir, --persist-to)"],
  ENOSPC: ["no space left on the disk", "make room, and run it again"],
  EDQUOT: ["the disk quota is used up", "make room, and run it again"],
  EMFILE: ["too many open files", 'raise the limit ("ulimit -n")'],
  ENFILE: ["too many open files in the whole system", "close some programs"],
};

/** An error of the file system that the user can mend, as a TroupeError (PRECONDITION); anything else as it is. */
export function explainSystemError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TroupeError) return error;
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  const refusal = code === undefined || syscall === undefined ? undefined : REFUSALS[code];
  if (!refusal) return error;
  const [what, next] = refusal;
  return new TroupeError("PRECONDITION", path === undefined ? `${syscall}: ${what}` : `${path}: ${what}`, {
    notes: [next],
    cause: error,
  });
}
