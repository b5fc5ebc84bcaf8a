/** One esbuild context for one environment and one format, kept warm. */
import type { BuildContext, Message, Metafile } from "esbuild";
import { TroupeError } from "../errors.ts";
import type { Bundle, Module } from "../model.ts";
import type { FoundModule } from "./additional-modules.ts";
import { isBuildFailure } from "./diagnostics.ts";
import { bundleOptions, loadEsbuild } from "./esbuild-options.ts";
import { entryOutput } from "./format.ts";
import { createModuleCollector } from "./module-collector.ts";
import type { RuleSet } from "./module-rules.ts";
import { type Project, posixRelative } from "./project.ts";
import { sourceMapName } from "./source-map.ts";
import { fileTracker } from "./watched.ts";

type Context = BuildContext<{ metafile: true; write: false }>;

export interface Built {
  /** Entry module and, with source maps, its map. */
  code: Module[];
  mainModule: string;
  /** Names the entry exports; empty in service-worker syntax. */
  exports: string[];
  /** What the entry's own syntax is: absent for a script without imports and exports. */
  entrySyntax: "esm" | "cjs" | undefined;
  /** Modules taken out of the bundle. */
  collected: FoundModule[];
  metafile: Metafile;
  warnings: Message[];
}

/** One entry file, bundled by esbuild: keeps its context, so that a rebuild is quick. */
export class EsbuildBuild {
  readonly format: Bundle["format"];
  readonly entry: string;
  #project: Project;
  #rules: RuleSet;
  #context: Context | undefined;
  #collector: ReturnType<typeof createModuleCollector>;

  constructor(project: Project, entry: string, format: Bundle["format"], rules: RuleSet) {
    this.#project = project;
    this.entry = entry;
    this.format = format;
    this.#rules = rules;
    this.#collector = createModuleCollector(project, rules, format);
  }

  /** @throws esbuild's BuildFailure */
  async rebuild(): Promise<Built> {
    this.#context ??= await this.#createContext();
    const { metafile, outputFiles, warnings } = await this.#context.rebuild();
    const output = entryOutput(metafile);
    // Other outputs, such as style sheets, are nothing that a Worker can load.
    const types = new Map<string, Module["type"]>([
      [output.path, this.format === "modules" ? "esm" : "cjs"],
      [sourceMapName(output.path), "sourcemap"],
    ]);
    const code = outputFiles.flatMap((file): Module[] => {
      const name = posixRelative(this.#project.dir, file.path);
      const type = types.get(name);
      return type ? [{ name, type, contents: file.contents }] : [];
    });
    return {
      code,
      mainModule: output.path,
      exports: output.exports,
      entrySyntax: metafile.inputs[output.entryPoint!]?.format,
      collected: this.#collector.collected(),
      metafile,
      warnings,
    };
  }

  async #createContext(): Promise<Context> {
    const esbuild = await loadEsbuild();
    const options = await bundleOptions(this.#project, this.entry, this.format, this.#collector.plugin);
    try {
      return await esbuild.context(options);
    } catch (error) {
      if (isBuildFailure(error)) throw error;
      // Its binary is missing, or made for another system.
      throw new TroupeError("BUILD", `esbuild can't start: ${(error as Error).message.trim()}`, {
        notes: ["Install troupe anew on this machine: esbuild's binary depends on the system"],
        cause: error,
      });
    }
  }

  /** Every file that a failing build gets to read, also those that esbuild tells nothing about when it fails. */
  async trace(): Promise<string[]> {
    const opened = new Set<string>();
    const collector = createModuleCollector(this.#project, this.#rules, this.format);
    const esbuild = await loadEsbuild();
    const options = await bundleOptions(this.#project, this.entry, this.format, collector.plugin);
    await esbuild.build({ ...options, plugins: [fileTracker(opened), ...options.plugins] }).catch(() => {});
    return [...opened, ...collector.collected().map((module) => module.file)];
  }

  /** Makes a running rebuild fail soon. */
  async cancel(): Promise<void> {
    await this.#context?.cancel();
  }

  async dispose(): Promise<void> {
    const context = this.#context;
    this.#context = undefined;
    await context?.dispose();
  }
}
