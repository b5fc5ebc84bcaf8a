/** stdout is for results, stderr for everything else; and both may go away. */
import path from "node:path";
import { describe, expect, test } from "vitest";
import { startTroupe, troupe } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";

const BROKEN = {
  "index.js": "export default {};",
  "troupe.toml": 'name = "a"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\nvras = 1\n',
};

describe("an error in a config file", () => {
  test("is shown with its place on stderr, without colours when that is no terminal", async () => {
    const { code, stdout, stderr } = await troupe(["bindings"], { cwd: testFolder(BROKEN) });
    expect(code).toBe(3);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^error: There is no key `vras`\n/);
    expect(stderr).toContain("--> troupe.toml:4:1\n");
    expect(stderr).toMatch(/4 \| vras = 1\n\s+\| \^\^\^\^\n/);
    expect(stderr).toMatch(/help: .*vars/);
    expect(stderr).not.toContain("\u001b");
  });

  test("has colours when they are asked for", async () => {
    const { stderr } = await troupe(["bindings"], { cwd: testFolder(BROKEN), env: { FORCE_COLOR: "1" } });
    expect(stderr).toContain("\u001b[31m");
  });

  test("names files relative to the shell's folder, whatever --cwd says", async () => {
    const dir = testFolder(BROKEN);
    const { stderr } = await troupe(["bindings", "--cwd", dir], { cwd: path.dirname(dir) });
    expect(stderr).toContain(`--> ${path.basename(dir)}/troupe.toml:4:1\n`);
  });

  test("is one document under --json", async () => {
    const cwd = testFolder(BROKEN);
    const { code, stdout, stderr } = await troupe(["bindings", "--json"], { cwd });
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    const { error } = JSON.parse(stderr);
    expect(error).toMatchObject({ code: "CONFIG", location: { file: `${cwd}/troupe.toml`, line: 4, column: 1 } });
    expect(error.diagnostics).toHaveLength(1);
  });
});

test("several errors are all shown, and summed up", async () => {
  const cwd = testFolder({ ...BROKEN, "troupe.toml": `${BROKEN["troupe.toml"]}[env.staging]\nmian = "x"\n` });
  const { stderr } = await troupe(["bindings"], { cwd });
  expect(stderr).toContain("vras");
  expect(stderr).toContain("mian");
  expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/^error: 2 errors/);
});

test("a reader that goes away is no error", async () => {
  const running = startTroupe(["--help"]);
  running.child.stdout!.destroy();
  expect(await running.finished).toEqual({ code: 0, stdout: "", stderr: "" });
});
