/** One esbuild context for one environment and one format, kept warm. */
import type { BuildContext, Message, Metafile } from "esbuild";
import type { Bundle, Module } from "../model.ts";
import type { FoundModule } from "./additional-modules.ts";
import { bundleOptions, loadEsbuild } from "./esbuild-options.ts";
import { entryOutput } from "./format.ts";
import { createModuleCollector } from "./module-collector.ts";
import type { RuleSet } from "./module-rules.ts";
import { type Project, posixRelative } from "./project.ts";
import { sourceMapName } from "./source-map.ts";
import { fileTracker } from "./watched.ts";

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

export class EsbuildBuild {
  readonly format: Bundle["format"];
  readonly entry: string;
  #project: Project;
  #rules: RuleSet;
  #context: BuildContext<{ metafile: true; write: false }> | undefined;
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
    if (!this.#context) {
      const [esbuild, options] = await Promise.all([
        loadEsbuild(),
        bundleOptions(this.#project, this.entry, this.format, this.#collector.plugin),
      ]);
      this.#context = await esbuild.context(options);
    }
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

  /** Every file that a failing build gets to read, also those that esbuild tells nothing about when it fails. */
  async trace(): Promise<string[]> {
    const opened = new Set<string>();
    const collector = createModuleCollector(this.#project, this.#rules, this.format);
    const esbuild = await loadEsbuild();
    const options = await bundleOptions(this.#project, this.entry, this.format, collector.plugin);
    await esbuild.build({ ...options, plugins: [fileTracker(opened), ...options.plugins] }).catch(() => {});
    return [...opened, ...collector.collected().map((module) => module.file)];
  }

  async dispose(): Promise<void> {
    const context = this.#context;
    this.#context = undefined;
    await context?.cancel();
    await context?.dispose();
  }
}
