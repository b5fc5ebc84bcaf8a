/** The page for CI: its workflows name inputs that the action has, and commands with flags that there are. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { parseArgs } from "../../src/cli/parse.ts";
import { resolveCommand } from "../../src/cli/resolve.ts";
import { COMMANDS } from "../../src/commands/index.ts";
import { ROOT } from "../support/cli.ts";

const PAGE = readFileSync(path.join(ROOT, "docs/ci.md"), "utf8");
const ACTION = readFileSync(path.join(ROOT, ".github/actions/deploy/action.yml"), "utf8");
const INPUTS = [...ACTION.slice(0, ACTION.indexOf("\noutputs:")).matchAll(/^ {2}([a-z-]+):$/gm)].map(
  (match) => match[1]!,
);

test("names every input of the action, and no other", () => {
  expect(INPUTS).toContain("environment");
  const table = PAGE.slice(PAGE.indexOf("| Input |"));
  const documented = [...table.matchAll(/^\| ((?:`[a-z-]+`(?:, )?)+) \|/gm)].flatMap((row) =>
    [...row[1]!.matchAll(/`([a-z-]+)`/g)].map((match) => match[1]!),
  );
  expect(documented.sort()).toEqual([...INPUTS].sort());
  const used = [...PAGE.matchAll(/actions\/deploy@v0\n\s+with:(?: \{(.*)\}|((?:\n {10}.*)+))/g)].flatMap((match) =>
    [...(match[1] ?? match[2]!).matchAll(/([a-z-]+): /g)].map((input) => input[1]!),
  );
  expect(used.length).toBeGreaterThan(8);
  expect(used.filter((input) => !INPUTS.includes(input))).toEqual([]);
});

test("the script reads every input", () => {
  const script = readFileSync(path.join(ROOT, ".github/actions/deploy/run.sh"), "utf8");
  const given = [...ACTION.matchAll(/^ {8}(TROUPE_\w+): \$\{\{ inputs\.([a-z-]+) \}\}$/gm)];
  expect(given.map((match) => match[2]).sort()).toEqual(INPUTS.filter((name) => name !== "working-directory").sort());
  for (const match of given) expect(script).toContain(match[1]);
});

test("its commands have flags that there are", async () => {
  const lines = PAGE.replaceAll(/\n\s+--/g, " --").split("\n");
  const commands = lines.flatMap((line) =>
    [...line.matchAll(/(?:npx |^)troupe ([a-z][^>\]]*)/g)].map((match) => match[1]!),
  );
  expect(commands.length).toBeGreaterThan(4);
  for (const command of commands) {
    const { entry, rest } = resolveCommand(command.trim().split(/\s+/), COMMANDS);
    expect(entry, command).toBeDefined();
    parseArgs(entry!, (await entry!.load()).default, rest);
  }
});
