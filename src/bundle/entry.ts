/** The entry file: is it there, and if not, which file was meant. */
import type { Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { configName, type Project, relativePath, settingError } from "./project.ts";

const EXTENSIONS = [".ts", ".tsx", ".js", ".jsx", ".mts", ".mjs", ".cjs", ".py"];
/** Where people and frameworks put an entry, without extension. */
const USUAL = [
  "src/index",
  "src/worker",
  "src/main",
  "index",
  "worker",
  "main",
  "dist/index",
  "dist/worker",
  "build/index",
];

/**
 * @returns absolute path of the entry; one written without extension gets it
 * @throws TroupeError BUILD naming files that are there
 */
export async function findEntry(project: Project): Promise<string> {
  const { main } = project;
  const found = await stats(main);
  if (found?.isFile()) return main;
  if (!found && path.extname(main) === "") {
    for (const extension of EXTENSIONS) if ((await stats(main + extension))?.isFile()) return main + extension;
  }
  const shown = relativePath(project, main);
  const message = found?.isDirectory() ? `main is a folder, not a file: ${shown}` : `main does not exist: ${shown}`;
  throw await settingError(project, "main", message, await hints(project, found?.isDirectory() === true));
}

async function hints(project: Project, isFolder: boolean): Promise<string[]> {
  const { main, settings } = project;
  const notes: string[] = [];
  if (settings.custom)
    notes.push(
      `The build command ran (\`${settings.custom.command}\`) and didn't make it; main in ${configName(project)} must name what it writes`,
    );
  const candidates = isFolder
    ? USUAL.flatMap((name) => EXTENSIONS.map((extension) => path.join(main, name + extension)))
    : [
        ...EXTENSIONS.map((extension) => path.join(path.dirname(main), path.parse(main).name + extension)),
        ...USUAL.flatMap((name) => EXTENSIONS.map((extension) => path.join(project.dir, name + extension))),
      ];
  for (const candidate of candidates) {
    if (!(await stats(candidate))?.isFile()) continue;
    notes.push(`Did you mean "${relativePath(project, candidate)}"?`);
    return notes;
  }
  const folder = isFolder ? main : path.dirname(main);
  const shown = relativePath(project, folder) || "the config's folder";
  const names = await readdir(folder).catch(() => undefined);
  if (!names) notes.push(`There is no folder ${shown}`);
  else if (names.length > 0)
    notes.push(`In ${shown}: ${names.sort().slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`);
  if (!settings.custom)
    notes.push(
      `If a tool generates it, run that first, or have it run: [build] command = "…" in ${configName(project)}`,
    );
  return notes;
}

function stats(file: string): Promise<Stats | undefined> {
  return stat(file).catch(() => undefined);
}
