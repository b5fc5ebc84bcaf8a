/** Where troupe keeps its state: `.troupe/` at the workspace root, `--state-dir`, or TROUPE_STATE_DIR. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

/** The state folder of a workspace, absolute. */
export function stateDir(
  root: string,
  options: { stateDir?: string; cwd: string; processEnv: Record<string, string | undefined> },
): string {
  const chosen = options.stateDir ?? options.processEnv.TROUPE_STATE_DIR;
  return chosen ? path.resolve(options.cwd, chosen) : path.join(root, ".troupe");
}

/**
 * Makes a folder below (or at) the state folder, and keeps the state folder out of git by a `.gitignore` inside it.
 * @throws the file system's error when it cannot be written
 */
export async function ensureStateFolder(state: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch(async (error: NodeJS.ErrnoException) => {
    // Said of a read-only file system, too, where a plain mkdir says what is the matter.
    if (error.code === "ENOENT") await mkdir(firstMissing(folder));
    throw error;
  });
  const relative = path.relative(state, folder);
  if (relative.startsWith("..") || path.isAbsolute(relative)) return;
  await writeFile(path.join(state, ".gitignore"), "*\n", { flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

function firstMissing(folder: string): string {
  const parent = path.dirname(folder);
  return parent === folder || existsSync(parent) ? folder : firstMissing(parent);
}

/** Where `dev` and the data commands keep data. @param chosen `--persist-to`, absolute */
export function dataFolder(state: string, chosen: string | undefined): string {
  return chosen ?? path.join(state, "data", "dev");
}
