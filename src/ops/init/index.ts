/** `troupe init`: a project from a template, in a new folder or in one that has files already. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { TroupeError } from "../../errors.ts";
import { type PackageManager, packageManagerOf } from "../../lib/package-manager.ts";
import { runCommand } from "../../lib/run-command.ts";
import { extendGitignore, extendManifest, newManifest } from "./merge.ts";
import { ownRange } from "./own-range.ts";
import { type ProjectFiles, type TemplateName, templateFiles, WITH_GENERATED_TYPES } from "./templates.ts";

export interface InitOptions {
  /** Absolute folder; made when it does not exist. */
  dir: string;
  template: TemplateName;
  /** Makes a git repository, unless the folder lies in one. */
  git: boolean;
  /** Installs the packages. */
  install: boolean;
  processEnv: Record<string, string | undefined>;
  /** Told what is going on while it takes time; gets the package manager's lines. */
  onProgress?(line: string): void;
}

export interface InitResult {
  dir: string;
  name: string;
  template: TemplateName;
  /** Files written or extended, relative to `dir`. */
  files: string[];
  /** A repository was made. */
  git: boolean;
  installed: boolean;
  packageManager: PackageManager;
}

/**
 * @throws TroupeError CONFLICT naming every file that is in the way, or where the folder should be (nothing is written then), CONFIG for a broken
 *   package.json, PRECONDITION when packages could not be installed (the project is there then)
 */
export async function init(options: InitOptions): Promise<InitResult> {
  const { dir, template, processEnv } = options;
  const name = serviceName(path.basename(dir));
  const files = await plan(dir, template, name);
  for (const [file, text] of files) {
    await mkdir(path.dirname(path.join(dir, file)), { recursive: true });
    await writeFile(path.join(dir, file), text);
  }
  const types = WITH_GENERATED_TYPES.includes(template) ? await generateTypes(options) : [];
  const git = options.git && !(await isInRepository(dir)) && (await run("git", ["init", "--quiet"], dir));
  const packageManager = packageManagerOf(processEnv);
  if (options.install) await install(packageManager, options);
  return { dir, name, template, files: [...files.keys(), ...types], git, installed: options.install, packageManager };
}

/** Whether git already keeps this folder, or the nearest one above it that exists. */
export async function isInRepository(dir: string): Promise<boolean> {
  let folder = dir;
  while (!existsSync(folder)) folder = path.dirname(folder);
  return run("git", ["rev-parse", "--is-inside-work-tree"], folder);
}

/** `troupe types` in the new project. Returns the files that it wrote. */
async function generateTypes({ dir, processEnv, onProgress }: InitOptions): Promise<string[]> {
  // The runtime is asked for its own, which takes seconds on a slow machine.
  onProgress?.("Writing types");
  const { writeTypes } = await import("../types/index.ts");
  const { files } = await writeTypes({ cwd: dir, processEnv });
  return files.filter((file) => file.state === "written").map((file) => path.relative(dir, file.path));
}

/** What to write. Reads everything first, so that a conflict leaves the folder as it was. */
async function plan(dir: string, template: TemplateName, name: string): Promise<ProjectFiles> {
  const read = (file: string): Promise<string | undefined> =>
    readFile(path.join(dir, file), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      if (error.code !== "ENOTDIR") throw error;
      throw new TroupeError("CONFLICT", `${dir} is no folder: there is a file in its way`, {
        notes: ["name another folder"],
      });
    });
  for (const config of ["wrangler.json", "wrangler.jsonc", "wrangler.toml"]) {
    if ((await read(config)) === undefined) continue;
    throw new TroupeError("CONFLICT", `${dir} is a project already: it has ${config}`, {
      notes: ['troupe reads it as it is: run "troupe dev"'],
    });
  }

  const files = await templateFiles(template, name);
  const manifest = await read("package.json");
  const wanted = files.get("package.json")!;
  const range = ownRange(dir);
  files.set(
    "package.json",
    manifest?.trim()
      ? extendManifest(manifest, wanted, path.join(dir, "package.json"), range)
      : newManifest(wanted, name, range),
  );
  files.set(".gitignore", extendGitignore((await read(".gitignore")) ?? ""));

  const conflicts: string[] = [];
  for (const [file, text] of files) {
    const existing = await read(file);
    if (existing === text) files.delete(file);
    else if (existing?.trim() && file !== "package.json" && file !== ".gitignore") conflicts.push(file);
  }
  if (conflicts.length > 0) {
    throw new TroupeError("CONFLICT", `${dir} has files that troupe would have to overwrite: ${conflicts.join(", ")}`, {
      notes: ["nothing was written; move them away, or name another folder"],
    });
  }
  return files;
}

/** A name for a service made from a folder's: lower-case letters, digits, `-` and `_`, at most 63 of them. */
function serviceName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63);
  return name || "my-service";
}

async function install(manager: PackageManager, { dir, processEnv, onProgress }: InitOptions): Promise<void> {
  const result = await runCommand(`${manager} install`, { cwd: dir, env: processEnv, onLine: onProgress }).finished;
  if (result.exitCode === 0) return;
  throw new TroupeError("PRECONDITION", `"${manager} install" failed`, {
    notes: [...result.output.slice(-10), `the project is ready in ${dir}; install its packages there`],
  });
}

/** Whether a program ran and succeeded; false also when there is no such program. */
async function run(program: string, args: string[], cwd: string): Promise<boolean> {
  try {
    await promisify(execFile)(program, args, { cwd });
    return true;
  } catch {
    return false;
  }
}
