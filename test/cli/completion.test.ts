import { execFile } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { BIN, troupe } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";

/** What is offered for these words, the last one being the word under the cursor. */
async function offered(...words: string[]): Promise<string[]> {
  const { code, stdout } = await troupe(["complete", "--", ...words]);
  expect(code).toBe(0);
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split("\t")[0]!);
}

describe("completion offers", () => {
  test("commands, by their first letters", async () => {
    expect(await offered("bin")).toEqual(["bindings"]);
    expect(await offered("")).toEqual(expect.arrayContaining(["init", "dev", "bindings", "completion"]));
    expect(await offered("")).not.toContain("complete");
  });
  test("the next word of a longer command", async () => {
    expect(await offered("bindings", "gr")).toEqual(["graph"]);
    expect(await offered("help", "bindings", "gr")).toEqual(["graph"]);
  });
  test("flags, the command's own and the common ones", async () => {
    expect(await offered("init", "--")).toEqual(expect.arrayContaining(["--template", "--git", "--json"]));
    expect(await offered("init", "--te")).toEqual(["--template"]);
  });
  test("choices of flags and positionals", async () => {
    expect(await offered("init", "--template", "")).toEqual(["hello", "gateway", "canary", "api"]);
    expect(await offered("completion", "")).toEqual(["bash", "zsh", "fish"]);
  });
  test("nothing for words that lead nowhere", async () => {
    expect(await offered("nonsense", "")).toEqual([]);
  });
});

test("the bash script asks the binary that is being typed", async () => {
  const dir = testFolder();
  const bin = path.join(dir, "troupe");
  writeFileSync(bin, `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`);
  chmodSync(bin, 0o755);
  const typed = `
    eval "$(troupe completion bash)"
    COMP_WORDS=(troupe init --template ca) COMP_CWORD=3
    _troupe
    printf '%s\\n' "\${COMPREPLY[@]}"
  `;
  const env = { ...process.env, PATH: `${dir}:${process.env.PATH}` };
  const { stdout } = await promisify(execFile)("bash", ["--norc", "-c", typed], { env });
  expect(stdout).toBe("canary\n");
});
