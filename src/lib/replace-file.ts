/** Replacing a file's contents at one stroke. */
import { randomBytes } from "node:crypto";
import { open, realpath, rename, stat, unlink } from "node:fs/promises";
import path from "node:path";

/**
 * Writes a new file beside the old one and moves it there: a reader sees the old text or the new one, never a part. The
 * mode stays, and a symbolic link goes on pointing at the file. A file that did not exist is made.
 * @param options.mode of the file from its first byte on, whatever it was before
 * @throws the file system's error when it cannot be written; then the old file is untouched
 */
export async function replaceFile(file: string, text: string, options: { mode?: number } = {}): Promise<void> {
  const target = await realpath(file).catch(() => path.resolve(file));
  const mode =
    options.mode ??
    (await stat(target).then(
      (stats) => stats.mode & 0o7777,
      () => undefined,
    ));
  const temporary = path.join(path.dirname(target), `.${path.basename(target)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const handle = await open(temporary, "wx", options.mode);
    try {
      if (mode !== undefined) await handle.chmod(mode);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    // The name of the temporary file says nothing to anybody.
    throw Object.assign(error as NodeJS.ErrnoException, { path: target });
  }
}
