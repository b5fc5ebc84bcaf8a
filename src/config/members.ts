/** `[workspace] members` → config files. */
import path from "node:path";
import { globSync, isDynamicPattern } from "tinyglobby";
import { PRODUCTION, type Written } from "../model.ts";
import type { Faults } from "./faults.ts";
import { CONFIG_FILES, configIn, isFile } from "./find.ts";

export interface Members {
  /** Config files, each once, in the order of the patterns. */
  files: string[];
  /** Folders whose change can add or remove members. */
  folders: string[];
}

/** What no pattern looks into. */
const IGNORED = ["**/node_modules/**", "**/.git/**", "**/.troupe/**", "**/.wrangler/**"];

/**
 * Expands the patterns of a root file. One that leads to no config is reported.
 * @param root absolute path of the root file
 */
export function expandMembers(root: string, patterns: readonly string[], faults: Faults): Members {
  const dir = path.dirname(root);
  const excluded = patterns.filter((pattern) => pattern.startsWith("!")).map((pattern) => pattern.slice(1));
  const files = new Set<string>();
  const folders = new Set<string>();
  for (const [index, pattern] of patterns.entries()) {
    if (pattern.startsWith("!")) continue;
    folders.add(path.resolve(dir, fixedPart(pattern)));
    const found = matches(dir, pattern, excluded).filter((file) => file !== root);
    for (const file of found) files.add(file);
    if (found.length > 0) continue;
    const at: Written = { file: root, path: ["workspace", "members", index], environment: PRODUCTION };
    faults.error("no-member", `The workspace member "${pattern}" leads to no service`, at, {
      notes: [`A member is a folder with one of ${CONFIG_FILES.join(", ")}.`],
    });
  }
  return { files: [...files], folders: [...folders] };
}

function matches(dir: string, pattern: string, excluded: readonly string[]): string[] {
  if (!isDynamicPattern(pattern)) {
    const member = path.resolve(dir, pattern);
    const file = isFile(member) ? member : configIn(member);
    const out = excluded.length > 0 && expand(dir, excluded, []).includes(path.dirname(file ?? member));
    return file && !out ? [file] : [];
  }
  return expand(dir, [pattern], excluded).flatMap((folder) => configIn(folder) ?? []);
}

/** Folders that patterns match, sorted. */
function expand(cwd: string, patterns: readonly string[], ignore: readonly string[]): string[] {
  const found = globSync(patterns, {
    cwd,
    ignore: [...IGNORED, ...ignore],
    onlyDirectories: true,
    absolute: true,
    expandDirectories: false,
    dot: false,
  });
  return found.map((folder) => path.resolve(folder)).sort();
}

/** The folder that a pattern starts from: "services" of "services/*"; of a plain path the folder that holds it. */
function fixedPart(pattern: string): string {
  const parts = pattern.split("/");
  const dynamic = parts.findIndex((part) => isDynamicPattern(part));
  return parts.slice(0, dynamic < 0 ? -1 : dynamic).join("/") || ".";
}
