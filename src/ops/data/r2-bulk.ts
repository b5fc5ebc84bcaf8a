/** A whole bucket to and from a folder: an object's key is its path below the folder. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { TroupeError } from "../../errors.ts";
import { whyUnreadable } from "../../lib/file-error.ts";
import type { DataSelection } from "./connect.ts";
import { type DataPlace, placeOf, withData } from "./index.ts";

export interface BulkResult {
  place: DataPlace;
  folder: string;
  objects: number;
  bytes: number;
}

/** Told after every object, for a display of progress. */
export type BulkProgress = (done: number, all: number) => void;

/**
 * Writes every object into `folder`.
 * @throws TroupeError USAGE for a key that is no path below the folder; nothing was written then
 */
export function exportBucket(
  selection: DataSelection,
  name: string,
  options: { folder: string; prefix?: string; progress: BulkProgress },
): Promise<BulkResult> {
  return withData(selection, "r2", name, async (connection) => {
    const { value } = await connection.run("list", { prefix: options.prefix });
    const keys = (value as { key: string }[]).map(({ key }) => key);
    const files = keys.map((key) => fileOf(options.folder, key));
    let bytes = 0;
    for (const [index, key] of keys.entries()) {
      const contents = (await connection.run("get", { key })).bytes ?? new Uint8Array();
      await mkdir(path.dirname(files[index]!), { recursive: true });
      await writeFile(files[index]!, contents);
      bytes += contents.byteLength;
      options.progress(index + 1, keys.length);
    }
    return { place: placeOf(connection), folder: options.folder, objects: keys.length, bytes };
  });
}

/**
 * Stores every file below `folder`.
 * @throws TroupeError NOT_FOUND when the folder can't be read
 */
export function importBucket(
  selection: DataSelection,
  name: string,
  options: { folder: string; prefix?: string; progress: BulkProgress },
): Promise<BulkResult> {
  return withData(selection, "r2", name, async (connection) => {
    const entries = await readdir(options.folder, { recursive: true, withFileTypes: true }).catch((error) => {
      throw new TroupeError("NOT_FOUND", `Cannot read ${options.folder}: ${whyUnreadable(error)}`, {
        cause: error,
      });
    });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort();
    let bytes = 0;
    for (const [index, file] of files.entries()) {
      const key = (options.prefix ?? "") + path.relative(options.folder, file).split(path.sep).join("/");
      const contents = await readFile(file);
      await connection.run("put", { key }, contents);
      bytes += contents.byteLength;
      options.progress(index + 1, files.length);
    }
    return { place: placeOf(connection), folder: options.folder, objects: files.length, bytes };
  });
}

function fileOf(folder: string, key: string): string {
  const file = path.resolve(folder, key);
  const below = path.relative(folder, file);
  if (below !== "" && !below.startsWith("..") && !path.isAbsolute(below) && !key.endsWith("/")) return file;
  throw new TroupeError("USAGE", `The object "${key}" can't become a file below ${folder}; nothing was written`);
}
