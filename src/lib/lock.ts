/** A lock that a process holds by a file: knows who holds it, and is free again when that process is gone. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
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
    try {
      await writeFile(file, content(details), { flag: "wx", mode: 0o600 });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const owner = await lockOwner(file);
      if (owner) return { owner };
      await rm(file, { force: true });
    }
  }
  return {
    lock: {
      update: (more) => writeFile(file, content(more), { mode: 0o600 }),
      release: () => rm(file, { force: true }),
    },
  };
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
