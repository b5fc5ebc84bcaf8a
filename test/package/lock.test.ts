import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { ROOT } from "../support/cli.ts";

test("package-lock.json knows the packages of every platform (else: node scripts/complete-lock.mjs)", () => {
  const missing = execFileSync(process.execPath, ["scripts/complete-lock.mjs", "--check"], { cwd: ROOT });
  expect(String(missing)).toBe("");
});
