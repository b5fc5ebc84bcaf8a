/**
 * Makes certain that no workerd outlives troupe, even after SIGKILL. A shell of its own session reads process ids from a
 * pipe that only troupe holds open; when the pipe closes, it kills those that were not crossed off, and removes troupe's
 * temporary folder. A process id is crossed off as soon as its process has ended, so none is ever killed that was reused.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const SCRIPT = `
pids=" "
while IFS= read -r line; do
  case $line in
    +*) pids="$pids\${line#+} " ;;
    -*) gone=\${line#-}; rest=" "; for pid in $pids; do [ "$pid" = "$gone" ] || rest="$rest$pid "; done; pids=$rest ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
rm -rf -- "$1"
`;

class Reaper {
  /** Everything temporary of this process lies here. */
  readonly folder: string = mkdtempSync(path.join(os.tmpdir(), "troupe-"));
  #shell: ChildProcess | undefined;

  constructor() {
    process.once("exit", () => rmSync(this.folder, { recursive: true, force: true }));
  }

  /**
   * Best called as soon as it has been spawned: until workerd has its config, which we write, it ends with us by itself, and
   * the shell starts while it does.
   */
  watch(child: ChildProcess): void {
    if (child.pid === undefined) return;
    this.#shell ??= this.#start();
    this.#shell?.stdin?.write(`+${child.pid}\n`);
    child.once("exit", () => this.#shell?.stdin?.write(`-${child.pid}\n`));
  }

  #start(): ChildProcess | undefined {
    // Windows has no such shell; its job objects end children with their parent in most terminals.
    if (process.platform === "win32") return undefined;
    const shell = spawn("/bin/sh", ["-c", SCRIPT, "sh", this.folder], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    shell.once("error", () => {
      this.#shell = undefined;
    });
    shell.stdin.on("error", () => {});
    // Neither the shell nor the pipe keeps troupe running.
    shell.unref();
    (shell.stdin as unknown as { unref(): void }).unref();
    return shell;
  }
}

let instance: Reaper | undefined;

/** One for the whole process, started with the first workerd. */
export function reaper(): Reaper {
  instance ??= new Reaper();
  return instance;
}
