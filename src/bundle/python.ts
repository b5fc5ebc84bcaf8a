/** Python Workers: https://developers.cloudflare.com/workers/languages/python/ */
import { readFile } from "node:fs/promises";
import path from "node:path";
import globToRegExp from "glob-to-regexp";
import { type FoundModule, listFiles } from "./additional-modules.ts";
import type { Rule } from "./module-rules.ts";
import { configName, type Project, posixRelative, settingError } from "./project.ts";

const VENDORED = "python_modules";

/** Every Python file is a module, unless the config has a rule for them. */
export function pythonRules(rules: readonly Rule[]): Rule[] {
  if (rules.some((rule) => rule.type === "PythonModule")) return [...rules];
  return [...rules, { type: "PythonModule", globs: ["**/*.py"] }];
}

/** @throws TroupeError BUILD when the flag is missing that lets the runtime run Python */
export async function checkPython(project: Project): Promise<void> {
  if (project.environment.compatibilityFlags.includes("python_workers")) return;
  throw await settingError(
    project,
    "compatibility_flags",
    "A Worker in Python needs the compatibility flag python_workers",
    [`Add "python_workers" to compatibility_flags in ${configName(project)}`],
  );
}

/**
 * Classes that the runtime can reach: those that derive from one of its own. `Default` is the default export, and so is
 * what `on_fetch` and its like stand for.
 */
export function pythonExports(source: string): string[] {
  const classes = [
    ...source.matchAll(/^class\s+(\w+)\s*\([^)]*\b(?:WorkerEntrypoint|DurableObject|WorkflowEntrypoint)\b/gm),
  ];
  const names = classes.map(([, name]) => name!).filter((name) => name !== "Default");
  return [...names, "default"];
}

/** Packages that a tool put into `python_modules` beside the config. JavaScript is made a module only where the SDK looks for it. */
export async function vendoredPython(project: Project): Promise<FoundModule[]> {
  const root = path.join(project.dir, VENDORED);
  const { exclude = ["**/*.pyc"] } = (project.environment.settings.python_modules ?? {}) as { exclude?: string[] };
  const excluded = exclude.map((glob) => globToRegExp(glob, { globstar: true }));
  const modules: FoundModule[] = [];
  for (const file of await listFiles(root, () => false)) {
    const name = posixRelative(root, file);
    if (excluded.some((pattern) => pattern.test(name))) continue;
    const type = /^workers\/.*\.m?js$/.test(name) ? "esm" : "data";
    modules.push({ name: `${VENDORED}/${name}`, type, file, contents: await readFile(file) });
  }
  return modules;
}
