/** What git says of a folder. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface GitInfo {
  commit: string;
  /** Absent on a detached head. */
  branch?: string;
  /** True with changes that are not committed. */
  dirty: boolean;
}

async function git(cwd: string, args: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await run("git", args, { cwd, maxBuffer: 64 * 1024 * 1024 });
    return stdout.trimEnd();
  } catch {
    return undefined;
  }
}

/** @returns undefined outside a repository, in one without a commit, and where there is no git */
export async function gitInfo(cwd: string): Promise<GitInfo | undefined> {
  // https://git-scm.com/docs/git-status#_porcelain_format_version_2
  const status = await git(cwd, ["--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z", "--", "."]);
  if (status === undefined) return undefined;
  const lines = status.split("\0").filter(Boolean);
  const header = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`# ${name} `))?.slice(name.length + 3);
  const [commit, branch] = [header("branch.oid"), header("branch.head")];
  if (commit === undefined || commit === "(initial)") return undefined;
  const dirty = lines.some((line) => !line.startsWith("# "));
  return { commit, ...(branch !== undefined && branch !== "(detached)" && { branch }), dirty };
}

/** `Name <address>` as git would sign a commit. */
export async function gitAuthor(cwd: string): Promise<string | undefined> {
  const entries = (await git(cwd, ["config", "--null", "--get-regexp", "^user\\.(name|email)$"]))?.split("\0") ?? [];
  // The last one counts: that of the repository comes after the user's own.
  const last = (key: string): string | undefined =>
    entries.findLast((entry) => entry.startsWith(`${key}\n`))?.slice(key.length + 1);
  const [name, email] = [last("user.name"), last("user.email")];
  if (!name && !email) return undefined;
  return [name, email && `<${email}>`].filter(Boolean).join(" ");
}

/**
 * Files that differ from a commit, untracked ones included, as absolute paths.
 * @returns undefined when the commit is not known here
 */
export async function changedSince(cwd: string, commit: string): Promise<string[] | undefined> {
  const top = await git(cwd, ["rev-parse", "--show-toplevel"]);
  const [changed, untracked] = await Promise.all([
    git(cwd, ["diff", "--name-only", "--no-renames", "--no-relative", "-z", commit]),
    git(cwd, ["ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", ":/"]),
  ]);
  if (top === undefined || changed === undefined) return undefined;
  return [...changed.split("\0"), ...(untracked ?? "").split("\0")].filter(Boolean).map((file) => `${top}/${file}`);
}
