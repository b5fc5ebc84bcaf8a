/** What is typed wrong: exit code 2, one sentence, and what to do instead. */
import { describe, expect, test } from "vitest";
import { troupe } from "../support/cli.ts";

/** [what was typed, what must be said] */
const MISTAKES: [string[], ...string[]][] = [
  [["dve"], 'There is no command "troupe dve"', 'did you mean "troupe dev"?'],
  [["version"], 'There is no command "troupe version"', 'did you mean "troupe --version"?'],
  [["graph"], 'There is no command "troupe graph"', 'there is "troupe bindings graph"'],
  [["xyzzy"], 'There is no command "troupe xyzzy"', '"troupe --help" lists what there is'],
  [["bindings", "--jsno"], "Unknown flag --jsno", "did you mean --json?"],
  [["bindings", "--jsno=1"], "Unknown flag --jsno"],
  [["--verison"], "Unknown flag --verison", "did you mean --version?"],
  [["bindings", "-x"], "Unknown flag -x"],
  [["bindings", "-yx"], "Unknown flag -x"],
  [["bindings", "--env"], "--env needs a value"],
  [["bindings", "-c"], "-c needs a value"],
  [["bindings", "--env", "a", "--env", "b"], "--env is given more than once"],
  [["bindings", "graph", "--format", "mermaidd"], '"mermaidd"', "did you mean --format mermaid?"],
  [["bindings", "graph", "extra"], '"extra" is one argument too many', "usage: troupe bindings graph"],
  [["bindings", "ad", "kv"], 'There is no command "troupe bindings ad"', 'did you mean "troupe bindings add"?'],
  [["config", "explian"], 'did you mean "troupe config explain"?'],
  [["dev", "--port", "many"], "--port takes a number"],
  [["kv", "list", "CACHE", "--limit", "-1"], "--limit takes a number from 0 on, not -1"],
  [["completion"], "<shell> is missing", "usage: troupe completion <shell>"],
  [["completion", "csh"], '<shell> is bash, zsh or fish, not "csh"'],
  [["init", "--template", "helo"], "--template takes", "did you mean --template hello?"],
];

describe.each(MISTAKES)("troupe %j", (args, ...said) => {
  test("is explained", async () => {
    const { code, stdout, stderr } = await troupe(args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    for (const text of said) expect(stderr).toContain(text);
    expect(stderr).not.toContain("    at ");
  });
});

test("under --json a mistake is one JSON document on stderr", async () => {
  const { code, stdout, stderr } = await troupe(["bindings", "--jsno", "--json"]);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(JSON.parse(stderr)).toMatchObject({
    error: { code: "USAGE", message: "Unknown flag --jsno", notes: expect.arrayContaining(["did you mean --json?"]) },
  });
});

test("--cwd must be a folder", async () => {
  const { code, stderr } = await troupe(["bindings", "--cwd", "no/such/folder"]);
  expect(code).toBe(5);
  expect(stderr).toContain("no/such/folder");
});

test("common flags may stand before the command", async () => {
  const { code, stderr } = await troupe(["--cwd", "no/such/folder", "bindings"]);
  expect(code).toBe(5);
  expect(stderr).toContain("no/such/folder");
});

test("what stands after -- is never a flag", async () => {
  const { code, stderr } = await troupe(["completion", "--", "--json"]);
  expect(code).toBe(2);
  expect(stderr).toContain('not "--json"');
});
