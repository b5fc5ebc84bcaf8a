/** What was asked for and did not happen is told. */
import { expect, test } from "vitest";
import { testFolder } from "../support/files.ts";
import { troupeHere as troupe } from "../support/here.ts";

/** @returns the codes of the warnings that a command gave */
async function warnings(cwd: string, ...args: string[]): Promise<string[]> {
  const { code, stderr } = await troupe([...args, "--json"], { cwd });
  expect(code, stderr).toBe(0);
  const lines = stderr.split("\n").filter((line) => line.startsWith("{"));
  return lines.flatMap((line) => {
    const { warning } = JSON.parse(line) as { warning?: { code: string } };
    return warning ? [warning.code] : [];
  });
}

test("a tag or message that no version takes, and settings that wait for the next build", async () => {
  const cwd = testFolder({
    "troupe.toml": 'name = "site"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[env.staging]\n',
    "index.js": 'export default { fetch: () => new Response("ok") };\n',
  });
  expect(await warnings(cwd, "deploy", "-e", "staging", "--tag", "v1", "--message", "first")).toEqual([]);
  expect(await warnings(cwd, "deploy", "-e", "staging", "--tag", "v1", "--message", "first")).toEqual([]);
  expect(await warnings(cwd, "deploy", "-e", "staging", "--tag", "v2", "--message", "first")).toEqual(["not-recorded"]);
  expect(await warnings(cwd, "env", "set", "staging", "main=other.js", "minify=true", "--dry-run")).toEqual([
    "next-build",
    "next-build",
  ]);
  expect(await warnings(cwd, "env", "set", "staging", "keep_vars=true", "--dry-run")).toEqual([]);
  expect(await troupe(["env", "set", "staging", "name=other"], { cwd })).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/one name in all its environments/),
  });
});
