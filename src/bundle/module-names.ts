/** What collected files are called inside a bundle. */
import path from "node:path";
import { type Project, posixRelative } from "./project.ts";

/**
 * `<sha1>-<file name>` as with Wrangler. With `preserve_file_names`: the path as imported, wherever that says the same
 * from the main module's place; Wrangler takes it as it stands, so that `../up.txt` can't be loaded at all and
 * `./x.txt` from two folders is one module.
 * @param specifier as written in the import, without query
 * @param hash SHA-1 of the contents
 */
export function collectedName(project: Project, specifier: string, file: string, hash: string): string {
  const base = path.basename(file);
  if (!project.settings.preserveFileNames) return `${hash}-${path.basename(specifier)}`;
  const bare = !/^[./]/.test(specifier) && !path.isAbsolute(specifier);
  if (bare) return specifier;
  const fromMain = posixRelative(path.dirname(project.main), file);
  return fromMain.startsWith("../") || path.isAbsolute(fromMain) ? `${hash}/${base}` : fromMain;
}

/** The global variable that a file is in service-worker syntax: Wrangler's name for it. */
export function globalName(hash: string, file: string): string {
  return `./${hash}-${path.basename(file)}`.replace(/[^a-zA-Z0-9_$]/g, "_");
}
