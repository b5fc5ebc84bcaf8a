/** `no_bundle`, and Python: the files as they are. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { OnResolveArgs, OnResolveResult } from "esbuild";
import type { Diagnostic } from "../errors.ts";
import type { Bundle } from "../model.ts";
import { type FoundModule, findAdditionalModules } from "./additional-modules.ts";
import { loadEsbuild } from "./esbuild-options.ts";
import { entryOutput, inspectEntry, isPython } from "./format.ts";
import { assembleBundle } from "./hash.ts";
import type { CompiledRule } from "./module-rules.ts";
import { moduleRoot, type Project, relativePath, settingError } from "./project.ts";
import { pythonExports, vendoredPython } from "./python.ts";
import { withSourceMaps } from "./source-map.ts";

export interface Plain {
  bundle: Bundle;
  /** Absolute. */
  files: string[];
  warnings: Diagnostic[];
}

/**
 * Takes the entry and, unless `find_additional_modules = false`, every file that a rule matches.
 * @throws TroupeError BUILD for an entry that can't run as it is; esbuild's BuildFailure for syntax errors
 */
export async function buildPlain(project: Project, entry: string, rules: readonly CompiledRule[]): Promise<Plain> {
  const python = isPython(entry);
  if (/\.([cm]?tsx?|jsx)$/.test(entry)) {
    throw await settingError(
      project,
      "no_bundle",
      `no_bundle takes files as they are, and ${relativePath(project, entry)} is no plain JavaScript`,
      ["Remove `no_bundle`, or point main at the compiled file"],
    );
  }
  const found = wantsAdditionalModules(project) ? await findAdditionalModules(project, rules) : [];
  const contents = await readFile(entry);
  const facts = python
    ? { format: "modules" as const, exports: pythonExports(contents.toString("utf8")), starExports: false }
    : await inspectEntry(project, entry);
  const main: FoundModule = {
    name: path.basename(entry),
    type: python ? "python" : facts.format === "modules" ? "esm" : "cjs",
    file: entry,
    contents,
  };
  const others = [...found, ...(python ? await vendoredPython(project) : [])].filter(
    (module) => module.file !== entry && module.name !== main.name,
  );
  const { modules, files, warnings } = withSourceMaps(project, [main, ...others]);
  const exports = facts.starExports ? await starExports(project, entry, others) : facts.exports;
  return { bundle: assembleBundle({ format: facts.format, mainModule: main.name, modules, exports }), files, warnings };
}

/** Without bundling, other modules are looked for unless the config says no: Wrangler's default. */
function wantsAdditionalModules({ settings, environment }: Project): boolean {
  return settings.findAdditionalModules || environment.written.find_additional_modules === undefined;
}

/** Follows `export * from` into the modules found; what lies elsewhere is not known here. */
async function starExports(project: Project, entry: string, modules: readonly FoundModule[]): Promise<string[]> {
  const scripts = new Set(modules.filter((module) => module.type === "esm").map((module) => module.file));
  const resolve = (args: OnResolveArgs): OnResolveResult => {
    if (args.kind === "entry-point") return { path: args.path };
    const file = path.join(args.resolveDir, args.path);
    return scripts.has(file) ? { path: file } : { path: args.path, external: true };
  };
  const esbuild = await loadEsbuild();
  const { metafile } = await esbuild.build({
    entryPoints: [entry],
    absWorkingDir: project.dir,
    outdir: project.dir,
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    target: "esnext",
    logLevel: "silent",
    plugins: [{ name: "modules-found", setup: (build) => build.onResolve({ filter: /^/ }, resolve) }],
  });
  return entryOutput(metafile).exports;
}

/** Folders whose new files may belong to the bundle. */
export function plainFolders(project: Project): string[] {
  return wantsAdditionalModules(project) ? [moduleRoot(project)] : [];
}
