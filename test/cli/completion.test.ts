import { execFile } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { BIN, troupe } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";

/** What is offered for these words, the last one being the word under the cursor. */
async function offered(...words: string[]): Promise<string[]> {
  return offeredIn(undefined, ...words);
}

async function offeredIn(cwd: string | undefined, ...words: string[]): Promise<string[]> {
  const { code, stdout } = await troupe(["complete", "--", ...words], cwd === undefined ? {} : { cwd });
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
  test("names of environments and services, from the config and from the store", async () => {
    const config = 'name = "shop"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[env.staging]\n';
    const cwd = testFolder({ "troupe.toml": config, "index.js": "export default {};\n" });
    expect(await offeredIn(cwd, "env", "promote", "")).toEqual(["production", "staging"]);
    expect((await troupe(["env", "create", "pr-7"], { cwd })).code).toBe(0);
    expect(await offeredIn(cwd, "env", "promote", "staging", "p")).toEqual(["production", "pr-7"]);
    expect(await offeredIn(cwd, "deploy", "-e", "")).toEqual(["production", "staging", "pr-7"]);
    expect(await offeredIn(cwd, "rollback", "--service", "")).toEqual(["shop"]);
    expect(await offeredIn(cwd, "env", "create", "")).toEqual([]);
    // What is deployed is known without a config that can be read.
    writeFileSync(path.join(cwd, "troupe.toml"), "name = ");
    expect(await offeredIn(cwd, "env", "delete", "")).toEqual(["pr-7"]);
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
