/** A lock that a process holds by a file: knows who holds it, and is free again when that process is gone. */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";

export interface LockOwner {
  pid: number;
  /** Milliseconds since the epoch. */
  since: number;
  /** When the process was started, as the system counts it: tells it from a later one of the same id. Absent where unknown. */
  born?: string;
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
  const born = birthOf(process.pid);
  const content = (more: Record<string, unknown>) =>
    `${JSON.stringify({ pid: process.pid, since: Date.now(), ...(born !== undefined && { born }), ...more })}\n`;
  for (;;) {
    const draft = beside(file);
    // Written whole under another name, then linked: nobody ever reads half a lock and takes it for an old one.
    try {
      await writeFile(draft, content(details), { mode: 0o600 });
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
        try {
          await writeFile(draft, content(more), { mode: 0o600 });
          await rename(draft, file);
        } finally {
          await rm(draft, { force: true });
        }
      },
      release: () => rm(file, { force: true }),
    },
  };
}

/** A claim that is older, in ms, was left by somebody who died within the few lines that it is held for. */
const CLAIM_EXPIRES = 10_000;

/**
 * Removes a lock whose holder is gone. Whoever does so claims that very lock first, by its contents, and looks again:
 * otherwise one that was slow would remove the lock that somebody else has taken meanwhile.
 */
async function removeStale(file: string): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return;
  const claim = `${file}.${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
  try {
    await writeFile(claim, "", { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const { mtimeMs } = await stat(claim).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > CLAIM_EXPIRES) await rm(claim, { force: true });
    // Somebody else is at it: give them the moment they need.
    else await new Promise((resolve) => setTimeout(resolve, 5));
    return;
  }
  try {
    const now = await readFile(file, "utf8").catch(() => undefined);
    if (now === text && !(await lockOwner(file))) await rm(file, { force: true });
  } finally {
    await rm(claim, { force: true });
  }
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
    return isAlive(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the process that wrote a lock still runs: that one, and not a later one of the same id. */
export function isAlive({ pid, since, born }: LockOwner): boolean {
  // Of this very process, from before it was started.
  if (pid === process.pid && since < performance.timeOrigin) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  const birth = born === undefined ? undefined : birthOf(pid);
  return birth === undefined || birth === born;
}

/**
 * When a process was started, in ticks since the machine was; undefined where the system does not tell.
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, field 22
 */
function birthOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name, which may have spaces and parentheses in it.
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
