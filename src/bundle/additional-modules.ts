/** Files that no import names but that the code may load all the same: `find_additional_modules`, and `no_bundle`. */
import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import type { Module } from "../model.ts";
import { type CompiledRule, ruleForPath } from "./module-rules.ts";
import { moduleRoot, type Project, posixRelative } from "./project.ts";

export interface FoundModule extends Module {
  /** Absolute. */
  file: string;
}

/** State and history of tools: never part of a Worker. */
const SKIPPED = new Set([".git", ".wrangler", ".troupe"]);

/**
 * Reads every file below the module root that a rule matches. Names are relative to that root.
 *
 * Other than Wrangler, `node_modules` is left alone unless a rule names it: a service whose main lies beside its
 * package.json would else take along every .txt, .html and .wasm of every package.
 */
export async function findAdditionalModules(project: Project, rules: readonly CompiledRule[]): Promise<FoundModule[]> {
  const root = moduleRoot(project);
  const intoPackages = rules.some(({ rule }) => rule.globs.some((glob) => glob.includes("node_modules")));
  const excluded = new Set([project.main, project.environment.configPath]);
  const files = await listFiles(root, (name) => SKIPPED.has(name) || (name === "node_modules" && !intoPackages));
  const found: FoundModule[] = [];
  for (const file of files) {
    if (excluded.has(file)) continue;
    const name = posixRelative(root, file);
    const rule = ruleForPath(rules, name);
    if (rule) found.push({ name, type: rule.type, file, contents: await readFile(file) });
  }
  return found;
}

/** Absolute paths of all files below a folder, in a fixed order. A link to a file counts, a link to a folder doesn't. */
export async function listFiles(root: string, skipFolder: (name: string) => boolean): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch((error: NodeJS.ErrnoException): Dirent[] => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
    throw error;
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const files: string[] = [];
  for (const entry of entries) {
    const absolute = path.join(root, entry.name);
    if (entry.isDirectory()) {
      if (!skipFolder(entry.name)) files.push(...(await listFiles(absolute, skipFolder)));
    } else if (entry.isFile() || (entry.isSymbolicLink() && (await leadsToFile(absolute)))) {
      files.push(absolute);
    }
  }
  return files;
}

async function leadsToFile(link: string): Promise<boolean> {
  return stat(link).then(
    (stats) => stats.isFile(),
    () => false,
  );
}
