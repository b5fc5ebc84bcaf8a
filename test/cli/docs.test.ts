/** docs/cli.md has a section for every command, which names every flag; and no section for one that there is not. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { commandPattern } from "../../src/cli/resolve.ts";
import type { Command } from "../../src/commands/command.ts";
import { COMMANDS } from "../../src/commands/index.ts";
import { EXIT_CODES } from "../../src/errors.ts";
import { ROOT } from "../support/cli.ts";

const PAGE = readFileSync(path.join(ROOT, "docs/cli.md"), "utf8");
const SECTIONS = new Map(
  PAGE.split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf("\n")), section]),
);
const VISIBLE = COMMANDS.filter((entry) => !entry.hidden).map((entry) => ({
  title: ["troupe", ...commandPattern(entry.command).words].join(" "),
  load: entry.load,
}));

test.each(VISIBLE)("$title", async ({ title, load }) => {
  const section = SECTIONS.get(title);
  expect(section, `docs/cli.md has no "## ${title}"`).toBeDefined();
  const { args = {} }: Command = (await load()).default;
  const flags = Object.keys(args).filter((name) => !args[name]!.hidden);
  expect(flags.filter((name) => !new RegExp(`--(no-)?${name}\\b`).test(section!))).toEqual([]);
});

test("no other command has a section", () => {
  const titles = [...SECTIONS.keys()].filter((title) => title.startsWith("troupe "));
  expect(titles.sort()).toEqual(VISIBLE.map(({ title }) => title).sort());
});

test("every error code has its exit code in the table", () => {
  for (const [code, exit] of Object.entries(EXIT_CODES)) {
    expect(PAGE).toMatch(new RegExp(`^\\| ${exit} \\|[^|]*\`${code}\``, "m"));
  }
});
