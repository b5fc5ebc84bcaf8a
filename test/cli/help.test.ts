import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/commands/index.ts";
import { troupe } from "../support/cli.ts";

describe("--help", () => {
  test("lists every command that is not hidden, under headings, on stdout", async () => {
    const { code, stdout, stderr } = await troupe(["--help"]);
    expect(code).toBe(0);
    expect(stderr).toBe("");
    for (const { command, describe: does, group, hidden } of COMMANDS) {
      expect(stdout.includes(`  ${command} `), command).toBe(!hidden);
      if (!hidden) expect(stdout).toContain(does);
      if (!hidden) expect(stdout).toContain(`\n${group}:\n`);
    }
  });

  test("is what troupe alone and troupe help say too", async () => {
    const [help, bare, word] = await Promise.all([troupe(["--help"]), troupe([]), troupe(["help"])]);
    expect(bare).toEqual(help);
    expect(word).toEqual(help);
  });

  test("of a command shows its own flags before the common ones, its positionals and examples", async () => {
    const { code, stdout } = await troupe(["init", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Start a project from a template\n\nUsage: troupe init \[dir\] \[flags\]/);
    expect(stdout).toMatch(
      /Positionals:\n {2}dir[\s\S]*Flags:\n.*--template[\s\S]*Common flags:\n[\s\S]*--json[\s\S]*Examples:\n.*troupe init/,
    );
    expect(stdout).toContain("hello, gateway, canary, api");
  });

  test("can be asked for with help in front, or the flag anywhere", async () => {
    const [flag, word, before] = await Promise.all([
      troupe(["bindings", "graph", "--help"]),
      troupe(["help", "bindings", "graph"]),
      troupe(["-h", "bindings", "graph"]),
    ]);
    expect(flag.stdout).toContain("Usage: troupe bindings graph [flags]");
    expect(word).toEqual(flag);
    expect(before).toEqual(flag);
  });
});

test("--version prints the version of the package and nothing else", async () => {
  const { default: manifest } = await import("../../package.json", { with: { type: "json" } });
  for (const flag of ["--version", "-v"]) {
    expect(await troupe([flag])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
  }
});
