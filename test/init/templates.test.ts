/** Every template type-checks and passes its own test, exactly as `troupe init` writes it. */
import { execFile } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { TEMPLATE_NAMES } from "../../src/ops/init/templates.ts";
import { ROOT, troupe } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";

const run = promisify(execFile);

/** What `npm install` would put there, without the wait: our own copies. */
function installPackages(project: string): void {
  mkdirSync(path.join(project, "node_modules/@cloudflare"), { recursive: true });
  symlinkSync(ROOT, path.join(project, "node_modules/troupe"));
  for (const name of ["hono", "@cloudflare/workers-types"]) {
    symlinkSync(path.join(ROOT, "node_modules", name), path.join(project, "node_modules", name));
  }
}

test.each(TEMPLATE_NAMES)("%s", { timeout: 90_000 }, async (template) => {
  const project = testFolder();
  expect((await troupe(["init", "--template", template, "--no-git"], { cwd: project })).code).toBe(0);
  installPackages(project);
  const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [tsc, "--project", project]);
  // Without the variables by which a test runner knows that it runs inside another one.
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env;
  const { stdout } = await run(process.execPath, ["--test", "--test-reporter=tap"], { cwd: project, env });
  expect(stdout).toMatch(/^# pass [1-9]/m);
  expect(stdout).toMatch(/^# fail 0$/m);
});
