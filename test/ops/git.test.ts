/** What git is asked for, of real repositories. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { gitAuthor, gitInfo } from "../../src/lib/git.ts";
import { testFolder } from "../support/files.ts";

test("commit, branch and changes below a folder, in every state of a repository", async () => {
  const outside = testFolder();
  expect(await gitInfo(outside)).toBeUndefined();
  expect(await gitInfo(path.join(outside, "missing"))).toBeUndefined();

  const cwd = testFolder({ "app/a.txt": "a\n", "other/b.txt": "b\n" });
  const app = path.join(cwd, "app");
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@example.test", ...args], { cwd, encoding: "utf8" });
  git("init", "--quiet", "--initial-branch", "feature/one");
  expect(await gitInfo(app)).toBeUndefined();

  git("add", ".");
  git("commit", "--quiet", "--message", "one");
  const commit = git("rev-parse", "HEAD").trim();
  const clean = { commit, branch: "feature/one", dirty: false };
  expect(await gitInfo(app)).toEqual(clean);
  writeFileSync(path.join(cwd, "other/b.txt"), "b2\n");
  expect([await gitInfo(app), await gitInfo(cwd)]).toEqual([clean, { ...clean, dirty: true }]);
  git("checkout", "--quiet", "other/b.txt");
  mkdirSync(path.join(app, "new"));
  writeFileSync(path.join(app, "new/# c.txt"), "c\n");
  expect(await gitInfo(app)).toEqual({ ...clean, dirty: true });
  git("add", ".");
  git("mv", "app/a.txt", "app/# a.txt");
  expect(await gitInfo(app)).toEqual({ ...clean, dirty: true });
  git("reset", "--quiet", "--hard");
  git("checkout", "--quiet", "--detach");
  expect(await gitInfo(app)).toEqual({ commit, dirty: false });
});

test("the author is who git would take, in the repository before the user's own", async () => {
  const cwd = testFolder();
  const git = (...args: string[]) => execFileSync("git", args, { cwd, encoding: "utf8" });
  git("init", "--quiet");
  git("config", "user.email", "old@example.test");
  git("config", "--add", "user.email", "ann@example.test");
  git("config", "user.name", "Ann  Example");
  git("config", "user.nameless", "nobody");
  expect(await gitAuthor(cwd)).toBe("Ann  Example <ann@example.test>");
});
