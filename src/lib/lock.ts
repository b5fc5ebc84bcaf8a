/** A lock that a process holds by a file: knows who holds it, and is free again when that process is gone. */
import { randomBytes } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";

export interface LockOwner {
  pid: number;
  /** Milliseconds since the epoch. */
  since: number;
  /** What the holder wants others to know, such as the address of its control API. */
  [detail: string]: unknown;
}

export interface Lock {
  /** Replaces the details that others read. */
  update(details: Record<string, unknown>): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the lock `file`, creating its folder.
 * @returns the lock, or who holds it
 * @throws the file system's error when the file cannot be written
 */
export async function takeLock(
  file: string,
  details: Record<string, unknown> = {},
): Promise<{ lock: Lock } | { owner: LockOwner }> {
  await mkdir(path.dirname(file), { recursive: true });
  const content = (more: Record<string, unknown>) =>
    `${JSON.stringify({ pid: process.pid, since: Date.now(), ...more })}\n`;
  for (;;) {
    const draft = beside(file);
    // Written whole under another name, then linked: nobody ever reads half a lock and takes it for an old one.
    await writeFile(draft, content(details), { mode: 0o600 });
    try {
      await link(draft, file);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      await rm(draft, { force: true });
    }
    const owner = await lockOwner(file);
    if (owner) return { owner };
    await removeStale(file);
  }
  return {
    lock: {
      async update(more) {
        const draft = beside(file);
        await writeFile(draft, content(more), { mode: 0o600 });
        await rename(draft, file);
      },
      release: () => rm(file, { force: true }),
    },
  };
}

/** Moved away first and looked at again: somebody else may have done the same, and hold the lock by now. */
async function removeStale(file: string): Promise<void> {
  const grave = beside(file);
  await rename(file, grave).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  if (await lockOwner(grave)) await link(grave, file).catch(() => {});
  await rm(grave, { force: true });
}

function beside(file: string): string {
  return `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
}

/** Who holds the lock now; undefined when nobody does or the holder has died. */
export async function lockOwner(file: string): Promise<LockOwner | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const owner = JSON.parse(text) as LockOwner;
    return isAlive(owner.pid) ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
