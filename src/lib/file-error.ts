/** What the file system says most often, in words. https://nodejs.org/api/errors.html#common-system-errors */
const REASONS: Record<string, string> = {
  ENOENT: "there is no such file",
  ENOTDIR: "a part of the path is no folder",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
  EPERM: "not permitted",
  ELOOP: "its symbolic links go in a circle",
};

/** Why a file can't be read: an error of the file system as half a sentence, to stand behind "Cannot read FILE: ". */
export function whyUnreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ""] ?? message;
}
