/**
 * The real Wrangler, as the reference. One process runs one command after the other, as Wrangler's own tests do it: to load
 * its 15 MB takes ten times as long as most commands.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import path from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";

export interface WranglerCommand {
  args: string[];
  cwd: string;
  /** All of its environment. */
  env: Record<string, string | undefined>;
}

export interface WranglerAnswer {
  failed: boolean;
  output: string;
}

/**
 * Wrangler's program itself. What is installed as `wrangler` runs it as a child, which would stay when that is killed.
 */
export const WRANGLER = path.join(
  path.dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "wrangler-dist/cli.js",
);
const PROCESS = fileURLToPath(new URL("wrangler-process.ts", import.meta.url));

interface Running {
  child: ChildProcess;
  channel: Duplex;
  answers: Interface;
}

export class Wrangler {
  #running: Running | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** @returns what it printed; rejects with that when it fails */
  run(args: string[], { cwd, env = {} }: { cwd: string; env?: WranglerCommand["env"] }): Promise<string> {
    const inherited = {
      PATH: process.env.PATH,
      TMPDIR: process.env.TMPDIR,
      HOME: cwd,
      XDG_CONFIG_HOME: `${cwd}/.config`,
    };
    const quiet = { CI: "1", NO_COLOR: "1", WRANGLER_SEND_METRICS: "false" };
    const mine = this.#last.then(() => this.#send({ args, cwd, env: { ...inherited, ...quiet, ...env } }));
    this.#last = mine.catch(() => {});
    return mine;
  }

  async #send(command: WranglerCommand): Promise<string> {
    this.#running ??= start();
    const { child, channel, answers } = this.#running;
    const over = new AbortController();
    try {
      const end = once(child, "exit", over).then(([code]): never => {
        throw new Error(`Wrangler ended with ${code} in ${command.args.join(" ")}`);
      });
      const answer = once(answers, "line", over);
      channel.write(`${JSON.stringify(command)}\n`);
      const [line] = await Promise.race([answer, end]);
      const { failed, output }: WranglerAnswer = JSON.parse(line);
      if (failed) throw new Error(output);
      return output;
    } finally {
      over.abort();
    }
  }

  async close(): Promise<void> {
    const child = this.#running?.child;
    this.#running = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

function start(): Running {
  const args = ["--no-warnings", "--experimental-vm-modules", PROCESS];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit", "pipe"] });
  const channel = child.stdio[3] as Duplex;
  return { child, channel, answers: createInterface({ input: channel }) };
}
