import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Process id of the workerd that this process started last. Linux only. */
export function newestWorkerd(): number {
  const children = execFileSync("ps", ["--ppid", String(process.pid), "-o", "pid=,comm="], { encoding: "utf8" });
  const found = [...children.matchAll(/(\d+) workerd/g)].map((match) => Number(match[1]));
  // Ids say nothing of the order: they start again at the lowest that is free.
  return found.sort((a, b) => startOf(b) - startOf(a))[0]!;
}

/** In ticks after the machine's start: field 22 of proc_pid_stat(5), the 20th after the name in brackets. */
function startOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ")[19]);
}
