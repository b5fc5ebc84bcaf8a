/** What processes of this machine take of its memory, and how much of it there is. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import os from "node:os";

/**
 * Memory of their own, in bytes, by process id. On Linux what they share with each other (the program itself) is left out;
 * elsewhere it counts for each of them, and on Windows nothing is known.
 * @returns only those that there are
 */
export async function processMemory(pids: readonly number[]): Promise<Map<number, number>> {
  if (pids.length === 0 || process.platform === "win32") return new Map();
  if (process.platform !== "linux") return fromPs(pids);
  const read = pids.map(async (pid) => [pid, await fromProc(pid)] as const);
  return new Map((await Promise.all(read)).filter((entry): entry is [number, number] => entry[1] !== undefined));
}

/** What this process may use at most, in bytes: a container may have less than its machine. */
export function usableMemory(): number {
  // 0 or beyond all machines when there is no such limit: https://nodejs.org/api/process.html#processconstrainedmemory
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, os.totalmem()) : os.totalmem();
}

/** https://www.kernel.org/doc/html/latest/filesystems/proc.html#process-specific-subdirectories: `smaps_rollup` knows more, for 50 times the price. */
async function fromProc(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const sizes = [...status.matchAll(/^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB$/gm)];
  return sizes.length === 0 ? undefined : sizes.reduce((sum, [, kib]) => sum + Number(kib) * 1024, 0);
}

function fromPs(pids: readonly number[]): Promise<Map<number, number>> {
  return new Promise((resolve) => {
    execFile("ps", ["-o", "pid=,rss=", "-p", pids.join(",")], (_error, stdout) => {
      const lines = [...stdout.matchAll(/^\s*(\d+)\s+(\d+)\s*$/gm)];
      resolve(new Map(lines.map(([, pid, kib]) => [Number(pid), Number(kib) * 1024])));
    });
  });
}
