/** What to watch: files that a build read, and those it would have read had they been there. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Metafile, Plugin } from "esbuild";
import type { Diagnostic } from "../errors.ts";
import { ancestors } from "./explain.ts";
import type { Project } from "./project.ts";

/** esbuild tries these, in this order, when an import has no extension. */
const EXTENSIONS = [".tsx", ".ts", ".jsx", ".js", ".css", ".json"];
/** Changed by package managers when they are done. */
const LOCKFILES = ["package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock"];

/** Absolute paths of the files behind a metafile's inputs. */
export function metafileInputs(project: Project, metafile: Metafile): string[] {
  const files: string[] = [];
  for (const name of Object.keys(metafile.inputs)) {
    const file = name.replace(/^\(disabled\):/, "").replace(/\?[^/]*$/, "");
    // A name with a namespace ("node-polyfill:unenv/…") is no file of the project.
    if (/^[a-z-]{2,}:/.test(file)) continue;
    files.push(path.resolve(project.dir, file));
  }
  return files;
}

/** Notes every file that esbuild is about to read. Costs a round trip per file, so it is used after a failure only. */
export function fileTracker(opened: Set<string>): Plugin {
  return {
    name: "file-tracker",
    setup(build) {
      build.onLoad({ filter: /^/, namespace: "file" }, (args) => {
        opened.add(args.path);
        return undefined;
      });
    },
  };
}

/** Where an import that failed to resolve would be found: files that may not exist yet. */
export function lookedFor(project: Project, diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.flatMap((diagnostic) => {
    const specifier = /^Could not resolve "(.+)"$/.exec(diagnostic.message)?.[1]?.replace(/\?.*$/, "");
    if (specifier === undefined) return [];
    const folder = path.dirname(diagnostic.location?.file ?? project.main);
    if (/^(\.\.?(\/|$)|\/)/.test(specifier)) return candidates(path.resolve(folder, specifier));
    const name = specifier
      .split("/")
      .slice(0, specifier.startsWith("@") ? 2 : 1)
      .join("/");
    const home = ancestors(folder).find((each) => existsSync(path.join(each, "package.json"))) ?? project.dir;
    const roots = [...new Set([home, project.dir])];
    return roots.flatMap((root) => [
      path.join(root, "package.json"),
      ...LOCKFILES.map((file) => path.join(root, file)),
      path.join(root, "node_modules", ".package-lock.json"),
      path.join(root, "node_modules", name, "package.json"),
    ]);
  });
}

function candidates(target: string): string[] {
  const asFile = [target, ...EXTENSIONS.map((extension) => target + extension)];
  // TypeScript lets "./x.js" mean x.ts.
  const source = target.replace(/\.([cm]?)js(x?)$/, ".$1ts$2");
  const asFolder = EXTENSIONS.map((extension) => path.join(target, `index${extension}`));
  return [...asFile, ...(source === target ? [] : [source]), ...asFolder];
}

/** tsconfig.json and package.json files that govern a set of sources; `extends` is followed within the project. */
export function settingsFiles(project: Project, sources: readonly string[]): string[] {
  const folders = new Set(
    sources.filter((file) => !file.includes(`${path.sep}node_modules${path.sep}`)).map((file) => path.dirname(file)),
  );
  const found = new Set<string>([path.join(project.dir, "tsconfig.json"), path.join(project.dir, "package.json")]);
  for (const folder of folders) {
    const tsconfig = project.settings.tsconfig ?? nearest(folder, "tsconfig.json");
    if (tsconfig) for (const file of withExtended(tsconfig)) found.add(file);
    const manifest = nearest(folder, "package.json");
    if (manifest) found.add(manifest);
  }
  return [...found];
}

function nearest(folder: string, name: string): string | undefined {
  return ancestors(folder)
    .map((each) => path.join(each, name))
    .find((file) => existsSync(file));
}

function withExtended(tsconfig: string, seen = new Set<string>()): Set<string> {
  if (seen.has(tsconfig)) return seen;
  seen.add(tsconfig);
  let text = "";
  try {
    text = readFileSync(tsconfig, "utf8");
  } catch {
    return seen;
  }
  // A look at the text does: comments and trailing commas are allowed there, and a path too many costs nothing.
  const list = /"extends"\s*:\s*(\[[^\]]*\]|"[^"]*")/.exec(text)?.[1] ?? "";
  for (const [, target] of list.matchAll(/"(\.[^"]*)"/g)) {
    const base = path.resolve(path.dirname(tsconfig), target!);
    withExtended(base.endsWith(".json") ? base : `${base}.json`, seen);
  }
  return seen;
}
