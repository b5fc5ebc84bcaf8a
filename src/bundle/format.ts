/** Module syntax or service-worker syntax: told from the entry's code, as Wrangler tells it. */
import path from "node:path";
import type { Metafile } from "esbuild";
import type { Bundle } from "../model.ts";
import { loadEsbuild, SYNTAX } from "./esbuild-options.ts";
import type { Project } from "./project.ts";

/** Stands in for `addEventListener` where the global is meant, and nowhere else: esbuild's `define` knows scopes. */
const MARK = "__TROUPE_ADD_EVENT_LISTENER__";

export interface EntryFacts {
  format: Bundle["format"];
  exports: string[];
  /** Re-exports everything of another file: there may be more names than `exports` has. */
  starExports: boolean;
}

/**
 * Looks at one file without following its imports.
 * @throws esbuild's BuildFailure for syntax errors
 */
export async function inspectEntry(project: Project, entry: string): Promise<EntryFacts> {
  const esbuild = await loadEsbuild();
  const result = await esbuild.build({
    ...SYNTAX,
    entryPoints: [entry],
    absWorkingDir: project.dir,
    outdir: project.dir,
    bundle: false,
    write: false,
    metafile: true,
    logLevel: "silent",
    define: { addEventListener: MARK, "globalThis.addEventListener": MARK, "self.addEventListener": MARK },
    ...(project.settings.tsconfig && { tsconfig: project.settings.tsconfig }),
  });
  const exports = entryOutput(result.metafile).exports;
  const listens = result.outputFiles.some(({ text }) => text.includes(MARK));
  const starExports = result.outputFiles.some(({ text }) => /^export \* from/m.test(text));
  return { format: chooseFormat(exports, listens, starExports), exports, starExports };
}

/** A default export decides; without one, named exports do (Durable Objects alone), unless the code listens for events. */
function chooseFormat(exports: readonly string[], listens: boolean, starExports: boolean): Bundle["format"] {
  if (exports.includes("default")) return "modules";
  if (listens) return "service-worker";
  return exports.length > 0 || starExports ? "modules" : "service-worker";
}

/** The one output that came from the entry. */
export function entryOutput(metafile: Metafile): Metafile["outputs"][string] & { path: string } {
  for (const [file, output] of Object.entries(metafile.outputs))
    if (output.entryPoint !== undefined) return { ...output, path: file };
  throw new Error("esbuild's metafile names no entry point");
}

/** Python has module syntax only. */
export function isPython(file: string): boolean {
  return path.extname(file) === ".py";
}
