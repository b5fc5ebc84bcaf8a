/** Finding config files: the nearest one upwards, and the one that a build tool made from it. */
import { existsSync, statSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { parse as parseJsonc } from "jsonc-parser";
import { TroupeError } from "../errors.ts";
import type { Dialect } from "../model.ts";
import { isTable } from "./sourced.ts";

export const TROUPE_FILE = "troupe.toml";
/** In order of preference within one folder. */
export const CONFIG_FILES = [TROUPE_FILE, "wrangler.json", "wrangler.jsonc", "wrangler.toml"] as const;

/** Build tools that generate a config, Vite's plugin for one, leave its path here, beside the config they read. */
const REDIRECT_FILE = path.join(".wrangler", "deploy", "config.json");

export interface FoundConfig {
  /** Absolute path of the file to read. */
  file: string;
  /** The config that `file` was generated from, when a redirect led there (absent: there is none). */
  userFile?: string;
  /** The file that redirected. */
  redirect?: string;
}

/** Which rules a file follows; its name tells, or for other names the rules of troupe.toml. */
export function dialectOf(file: string): Dialect {
  const name = path.basename(file);
  return /wrangler/.test(name) || !name.endsWith(".toml") ? "wrangler" : "troupe";
}

/** The config file of one folder, if it has one. */
export function configIn(folder: string): string | undefined {
  return CONFIG_FILES.map((name) => path.join(folder, name)).find(isFile);
}

/** Every folder from `start` up to the root. */
export function upwards(start: string): string[] {
  const folders = [path.resolve(start)];
  for (let parent = path.dirname(folders[0]!); parent !== folders.at(-1); parent = path.dirname(parent))
    folders.push(parent);
  return folders;
}

/**
 * The config for a folder: the nearest one upwards, or what a redirect beside it says.
 * @throws TroupeError NOT_FOUND when there is none; CONFIG when a redirect leads nowhere
 */
export async function findConfig(cwd: string): Promise<FoundConfig> {
  const folders = upwards(cwd);
  const file = folders.map(configIn).find((found) => found !== undefined);
  const redirect = folders.map((folder) => path.join(folder, REDIRECT_FILE)).find(isFile);
  if (redirect && !(file && dialectOf(file) === "troupe")) return followRedirect(redirect, file);
  if (file) return { file };
  const below = await configsBelow(cwd, 2);
  const some = below.slice(0, 4).join(", ") + (below.length > 4 ? ", …" : "");
  throw new TroupeError("CONFIG", `There is no config file in ${cwd} or above it`, {
    notes: [
      `looked for ${CONFIG_FILES.join(", ")}`,
      below.length > 0
        ? `there are some below (${some}): go there, name them with -c, or list their folders in a ${TROUPE_FILE} here: [workspace] members = […]`
        : "run `troupe init` to start a project here, or name a file with -c",
    ],
  });
}

/** Config files in the folders below one, as paths from it: for who stands too high. */
async function configsBelow(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules")
    .map(({ name }) => name)
    .sort();
  const found = await Promise.all(
    names.map(async (name) => {
      const below = path.join(folder, name);
      const own = configIn(below);
      if (own) return [path.join(name, path.basename(own))];
      return depth > 1 ? (await configsBelow(below, depth - 1)).map((file) => path.join(name, file)) : [];
    }),
  );
  return found.flat();
}

/** The config of a member's own folder, or what a redirect beside it says. */
export async function findMemberConfig(file: string): Promise<FoundConfig> {
  const redirect = path.join(path.dirname(file), REDIRECT_FILE);
  return dialectOf(file) === "wrangler" && isFile(redirect) ? followRedirect(redirect, file) : { file };
}

/** @throws TroupeError CONFIG */
async function followRedirect(redirect: string, userFile: string | undefined): Promise<FoundConfig> {
  const fail = (message: string, notes: string[]) =>
    new TroupeError("CONFIG", message, { location: { file: redirect, line: 1, column: 1 }, notes });
  if (userFile && path.join(path.dirname(userFile), REDIRECT_FILE) !== redirect) {
    throw fail(
      `The config ${userFile} and the redirect ${redirect} lie in different folders, so it is not clear which counts`,
      [
        "Delete the redirect if it is left over from an earlier build, or run the command in the folder of the config you want.",
      ],
    );
  }
  const parsed: unknown = parseJsonc(await readFile(redirect, "utf8"), [], { allowTrailingComma: true });
  const target = isTable(parsed) ? parsed.configPath : undefined;
  if (typeof target !== "string" || target === "") {
    throw fail("The redirect has no `configPath`", ["Delete it, or build the project again."]);
  }
  const file = path.resolve(path.dirname(redirect), target);
  if (!existsSync(file)) {
    throw fail(`The redirect leads to ${file}, which does not exist`, [
      "Build the project again, or delete the redirect.",
    ]);
  }
  return { file, redirect, ...(userFile && { userFile }) };
}

/** Whether there is a file of that name; a link counts as what it leads to. */
export function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

/** Whether there is a folder of that name; a link counts as what it leads to. */
export function isFolder(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}
