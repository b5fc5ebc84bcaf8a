/** The questions of `troupe init`, asked on a terminal made of streams. */
import { existsSync } from "node:fs";
import path from "node:path";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { main } from "../../src/main.ts";
import { testFolder } from "../support/files.ts";

const ENTER = "\r";
const DOWN = "\u001b[B";
const CTRL_C = "\u0003";

/** A terminal with somebody in front of it, who answers each question as soon as it stands there. */
function terminal(cwd: string, answers: [question: string, keys: string[]][], env: Record<string, string> = {}) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
  const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 100 });
  const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 100 });
  const said = { stdout: "", stderr: "" };
  const open = [...answers];
  const answer = (): void => {
    const [next] = open;
    if (!next || !stripVTControlCharacters(said.stderr).includes(next[0])) return;
    open.shift();
    for (const key of next[1]) stdin.write(key);
  };
  stdout.on("data", (chunk) => {
    said.stdout += chunk;
  });
  stderr.on("data", (chunk) => {
    said.stderr += chunk;
    setImmediate(answer);
  });
  const outside = {
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin,
    stdout,
    stderr,
    now: () => new Date(),
    fetch,
    signal: new AbortController().signal,
    crash: new Promise<never>(() => {}),
  };
  return { outside, said };
}

// Node's readline asks the process which terminal this is.
beforeAll(() => vi.stubEnv("TERM", "xterm"));
afterAll(() => vi.unstubAllEnvs());

test("asks for folder, template, git and packages", async () => {
  const cwd = testFolder();
  const { outside, said } = terminal(cwd, [
    ["Where?", ["\u0008", "shop", ENTER]],
    ["What to start with?", [DOWN, ENTER]],
    ["Make a git repository?", ["n"]],
    ["Install the packages?", ["n"]],
  ]);
  expect(await main(["init"], outside)).toBe(0);
  expect(existsSync(path.join(cwd, "shop/services/auth/troupe.toml"))).toBe(true);
  expect(existsSync(path.join(cwd, "shop/.git"))).toBe(false);
  expect(said.stdout).toContain("gateway is ready in shop");
  expect(said.stdout).not.toContain("Where?");
});

test("asks only what was not said", async () => {
  const cwd = testFolder();
  const { outside, said } = terminal(cwd, [["Install the packages?", ["n"]]]);
  expect(await main(["init", "here", "--template", "gateway", "--no-git"], outside)).toBe(0);
  expect(said.stderr).not.toContain("Where?");
  expect(existsSync(path.join(cwd, "here/troupe.toml"))).toBe(true);
});

test("Ctrl-C leaves without a trace, with exit code 130", async () => {
  const cwd = testFolder();
  const { outside } = terminal(cwd, [
    ["Where?", ["\u0008", "shop", ENTER]],
    ["What to start with?", [CTRL_C]],
  ]);
  expect(await main(["init"], outside)).toBe(130);
  expect(existsSync(path.join(cwd, "shop"))).toBe(false);
});

test.each<Record<string, string>>([{ CI: "true" }, { TERM: "dumb" }])(
  "with %o nothing is asked, terminal or not",
  async (env) => {
    const cwd = testFolder();
    const { outside, said } = terminal(cwd, [], env);
    expect(await main(["init", "quiet", "--no-git", "--template", "gateway"], outside)).toBe(0);
    expect(said.stderr).toBe("");
  },
);
