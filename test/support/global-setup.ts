/** Before all tests: the binary is built. After all tests: no process that they started is left. */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** What went wrong when dist/ was built; empty when it is there. */
    buildError: string;
  }
}

/** Inherited by everything that the tests start, and so found again in /proc. */
const MARK = "TROUPE_TEST_RUN";

export async function setup(project: TestProject): Promise<void> {
  process.env[MARK] = randomUUID();
  // Where Node keeps it by itself, but also for what runs with a temporary folder of its own, and for Wrangler.
  process.env.NODE_COMPILE_CACHE ??= path.join(os.tmpdir(), "node-compile-cache");
  const build = promisify(execFile)(process.execPath, ["scripts/build.mjs"]);
  // Tests of single modules can run without a binary; test/support/cli.ts shows this error to the others.
  project.provide(
    "buildError",
    await build.then(
      () => "",
      (error) => String(error.stderr || error),
    ),
  );
}

export async function teardown(): Promise<void> {
  const left = await poll(leftovers, (found) => found.length === 0);
  if (left.length === 0) return;
  // vitest shows an error of a teardown and ends with 0 all the same.
  process.exitCode = 1;
  throw new Error(`processes left behind by the tests:\n${left.join("\n")}`);
}

/** Command lines of workerd, the binary and Wrangler, started by this test run. Linux only: elsewhere nobody can look. */
async function leftovers(): Promise<string[]> {
  const mark = `${MARK}=${process.env[MARK]}`;
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const read = (file: string) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
      const [environment, command] = await Promise.all([read("environ"), read("cmdline")]);
      const ours = environment.split("\0").includes(mark) && /workerd|dist\/bin\.js|wrangler-dist/.test(command);
      return ours ? `${pid} ${command.replaceAll("\0", " ").slice(0, 200)}` : undefined;
    }),
  );
  return found.filter((line) => line !== undefined);
}

/** A process that was told to go may take a moment. */
async function poll<T>(look: () => Promise<T>, done: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const value = await look();
    if (done(value) || Date.now() > deadline) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
