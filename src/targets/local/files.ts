/** The files that bindings read besides code: static assets, certificates. A version keeps them. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { kindOf } from "../../bindings/index.ts";
import { TroupeError } from "../../errors.ts";
import { type Environment, refId } from "../../model.ts";
import type { StoredFile } from "../../store/index.ts";
import type { FreshFile } from "./draft.ts";

interface Wanted {
  /** Absolute. Named one by one, and so perhaps private keys: kept sealed. */
  files: string[];
  folders: string[];
}

function wantedBy(environment: Environment): Wanted {
  const wanted = environment.bindings.map((binding) => kindOf(binding).watch?.(binding, environment) ?? {});
  return {
    files: [...new Set(wanted.flatMap(({ files = [] }) => files))],
    folders: [...new Set(wanted.flatMap(({ folders = [] }) => folders))],
  };
}

/** @throws TroupeError CONFIG naming what is not there or cannot be read */
export async function readFiles(environment: Environment): Promise<FreshFile[]> {
  const { files, folders } = wantedBy(environment);
  const inFolders = (await Promise.all(folders.map((folder) => filesBelow(folder, environment)))).flat();
  const all = [...files.map((file) => ({ file, sealed: true })), ...inFolders.map((file) => ({ file, sealed: false }))];
  return Promise.all(
    all.map(async ({ file, sealed }) => ({
      path: relative(environment, file),
      contents: await readFile(file).catch((error) => unreadable(environment, file, error)),
      sealed,
    })),
  );
}

async function filesBelow(folder: string, environment: Environment): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error) =>
    unreadable(environment, folder, error),
  );
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

function unreadable({ service, name, configPath }: Environment, file: string, error: NodeJS.ErrnoException): never {
  const why = error.code === "ENOENT" ? "it does not exist" : error.message;
  throw new TroupeError("CONFIG", `${refId({ service, environment: name })}: cannot read ${file}: ${why}`, {
    notes: [`A binding in ${configPath} names it. Build it first, or correct the path.`],
    cause: error,
  });
}

/** From the config's folder, with `/`: the same on every machine. */
function relative({ dir }: Environment, file: string): string {
  return path.relative(dir, file).split(path.sep).join("/");
}

/**
 * Of files that are stored already, those that an environment's bindings read.
 * @returns and the paths of those that it names and nobody has
 */
export function pickFiles(
  environment: Environment,
  available: readonly StoredFile[],
): { files: StoredFile[]; missing: string[] } {
  const { files, folders } = wantedBy(environment);
  const named = files.map((file) => relative(environment, file));
  const below = folders.map((folder) => `${relative(environment, folder)}/`);
  const known = new Map([...available].reverse().map((file) => [file.path, file]));
  const picked = [...known.values()].filter(
    (file) => named.includes(file.path) || below.some((folder) => file.path.startsWith(folder)),
  );
  return {
    files: picked.sort((a, b) => (a.path < b.path ? -1 : 1)),
    missing: named.filter((name) => !known.has(name)),
  };
}
