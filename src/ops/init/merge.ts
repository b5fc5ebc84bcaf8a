/** package.json and .gitignore: the two files a project may well have already, and that can take more. */
import { applyEdits, type JSONPath, modify, type ParseError, parse } from "jsonc-parser";
import { TroupeError } from "../../errors.ts";

/** Never in a commit: what is installed, made by running, or secret. */
const IGNORED = [
  "node_modules/",
  ".troupe/",
  ".wrangler/",
  ".dev.vars*",
  "!.dev.vars.example",
  ".env*",
  "!.env.example",
];

interface Manifest {
  scripts: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies: Record<string, string>;
}

/**
 * A new package.json: the template's, with the project's name and this troupe.
 * @param range what to write for `troupe`
 */
export function newManifest(template: string, name: string, range: string): string {
  const { description: _, ...manifest } = JSON.parse(template);
  const devDependencies = { ...manifest.devDependencies, troupe: range };
  // Package managers refuse a package that depends on its own name.
  const own = devDependencies[name] ?? manifest.dependencies?.[name];
  const sorted = Object.fromEntries(Object.entries(devDependencies).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ ...manifest, name: own === undefined ? name : `${name}-project`, devDependencies: sorted }, null, 2)}\n`;
}

/**
 * An existing package.json with what the template needs and it lacks. What it has stays, so does its formatting.
 * @throws TroupeError CONFIG when it is not JSON
 */
export function extendManifest(existing: string, template: string, file: string, range: string): string {
  const errors: ParseError[] = [];
  const has = parse(existing, errors) as Partial<Manifest> | undefined;
  if (errors.length > 0 || typeof has !== "object" || has === null) {
    throw new TroupeError("CONFIG", `${file} is not valid JSON`, { notes: ["mend it, or choose another folder"] });
  }
  const wants = JSON.parse(template) as Manifest;
  let text = existing;
  const set = (path: JSONPath, value: string): void => {
    const formattingOptions = { insertSpaces: !/^\t/m.test(text), tabSize: /^( +)/m.exec(text)?.[1]?.length ?? 2 };
    text = applyEdits(text, modify(text, path, value, { formattingOptions }));
  };
  for (const [script, line] of Object.entries(wants.scripts)) {
    // `npm init` writes a test script that only fails.
    const placeholder = script === "test" && has.scripts?.test?.includes("no test specified");
    if (has.scripts?.[script] === undefined || placeholder) set(["scripts", script], line);
  }
  const known = { ...has.dependencies, ...has.devDependencies };
  for (const group of ["dependencies", "devDependencies"] as const) {
    const packages = { ...wants[group], ...(group === "devDependencies" && { troupe: range }) };
    for (const [name, range] of Object.entries(packages)) if (known[name] === undefined) set([group, name], range);
  }
  return text;
}

/** An existing .gitignore (or none) with the lines it lacks. */
export function extendGitignore(existing: string): string {
  const has = new Set(existing.split(/\r?\n/).map((line) => line.trim().replace(/^\/|\/$/g, "")));
  const missing = IGNORED.filter((line) => !has.has(line.replace(/\/$/, "")));
  if (missing.length === 0) return existing;
  const separator = existing === "" || existing.endsWith("\n") ? "" : "\n";
  return `${existing}${separator}${missing.join("\n")}\n`;
}
