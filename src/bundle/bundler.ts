/** Builds one environment again and again. */
import { type Diagnostic, TroupeError } from "../errors.ts";
import type { Bundle } from "../model.ts";
import { loadBlobs } from "./blobs.ts";
import { CustomBuild } from "./custom-build.ts";
import { buildError, isBuildFailure, toDiagnostic } from "./diagnostics.ts";
import { findEntry } from "./entry.ts";
import { type Built, EsbuildBuild } from "./esbuild-build.ts";
import { inspectEntry, isPython } from "./format.ts";
import { assembleBundle } from "./hash.ts";
import { compileRules, type RuleSet } from "./module-rules.ts";
import { buildPlain, plainFolders } from "./no-bundle.ts";
import { moduleRoot, type Project, relativePath } from "./project.ts";
import { checkPython, pythonRules } from "./python.ts";
import { withSourceMaps } from "./source-map.ts";
import type { BuildResult, Bundler, Watched } from "./types.ts";
import { lookedFor, metafileInputs, settingsFiles } from "./watched.ts";

interface Outcome {
  bundle: Bundle;
  files: string[];
  warnings: Diagnostic[];
}

/** Bundles one environment of a service, again and again as its files change; one build at a time. */
export class EnvironmentBundler implements Bundler {
  #project: Project;
  #custom: CustomBuild | undefined;
  #esbuild: EsbuildBuild | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;
  #inputs: string[];
  /** Made from `#inputs` when asked for. */
  #watched: Watched | undefined;

  constructor(project: Project) {
    this.#project = project;
    this.#inputs = [project.main];
    const { custom } = project.settings;
    if (custom) this.#custom = new CustomBuild(project, custom);
  }

  get watched(): Watched {
    this.#watched ??= {
      inputs: sorted([...this.#inputs, ...settingsFiles(this.#project, this.#inputs)]),
      folders: this.#folders(),
    };
    return this.#watched;
  }

  build(changed?: readonly string[]): Promise<BuildResult> {
    const result = this.#queue.then(() => this.#build(changed));
    this.#queue = result.catch(() => {});
    return result;
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await Promise.all([this.#custom?.dispose(), this.#esbuild?.cancel()]);
    await this.#queue;
    await this.#esbuild?.dispose();
  }

  async #build(changed: readonly string[] | undefined): Promise<BuildResult> {
    if (this.#disposed) throw disposed();
    this.#watched = undefined;
    await this.#custom?.run(changed);
    let entry = this.#project.main;
    try {
      entry = await findEntry(this.#project);
      const outcome = await this.#bundle(entry);
      this.#inputs = sorted(outcome.files);
      return {
        bundle: outcome.bundle,
        inputs: this.#inputs,
        inputFolders: this.#folders(),
        warnings: outcome.warnings,
      };
    } catch (error) {
      if (this.#disposed) throw disposed();
      const failure = isBuildFailure(error) ? await buildError(this.#project, entry, error) : error;
      if (failure instanceof TroupeError) await this.#noteFailure(failure, entry);
      throw failure;
    }
  }

  async #bundle(entry: string): Promise<Outcome> {
    const { settings } = this.#project;
    const python = isPython(entry);
    if (python) await checkPython(this.#project);
    const rules = compileRules(python ? pythonRules(settings.rules) : settings.rules);
    if (settings.noBundle || python) {
      const { bundle, files, warnings } = await buildPlain(this.#project, entry, rules.active);
      await loadBlobs(this.#project, bundle.format);
      return { bundle, files, warnings: [...rules.warnings, ...this.#plainWarnings(python), ...warnings] };
    }
    return this.#bundleWithEsbuild(entry, rules);
  }

  async #bundleWithEsbuild(entry: string, rules: RuleSet): Promise<Outcome> {
    let build = this.#buildFor(entry, this.#esbuild?.entry === entry ? this.#esbuild.format : "modules", rules);
    // An entry in service-worker syntax may have got exports since; one with exports tells so by itself.
    const facts = build.format === "service-worker" ? await inspectEntry(this.#project, entry) : undefined;
    if (facts?.format === "modules") build = this.#buildFor(entry, "modules", rules);
    let built = await build.rebuild();
    if (build.format === "modules" && (await this.#isServiceWorker(entry, built))) {
      build = this.#buildFor(entry, "service-worker", rules);
      built = await build.rebuild();
    }
    const { format } = build;
    const blobs = await loadBlobs(this.#project, format);
    const collected = withSourceMaps(this.#project, built.collected);
    const modules = [...built.code, ...collected.modules, ...blobs.modules];
    const bundle = assembleBundle({ format, mainModule: built.mainModule, modules, exports: built.exports });
    const warnings = built.warnings.map((message) => toDiagnostic(this.#project, "warning", message));
    const files = [...metafileInputs(this.#project, built.metafile), ...collected.files, ...blobs.files];
    return { bundle, files, warnings: [...rules.warnings, ...collected.warnings, ...warnings] };
  }

  #buildFor(entry: string, format: Bundle["format"], rules: RuleSet): EsbuildBuild {
    const existing = this.#esbuild;
    if (existing?.entry === entry && existing.format === format) return existing;
    void existing?.dispose();
    this.#esbuild = new EsbuildBuild(this.#project, entry, format, rules);
    return this.#esbuild;
  }

  /** @throws TroupeError BUILD for code that neither exports nor listens to anything */
  async #isServiceWorker(entry: string, built: Built): Promise<boolean> {
    if (built.entrySyntax === "esm" && built.exports.includes("default")) return false;
    const code = Buffer.from(built.code.find((module) => module.name === built.mainModule)!.contents).toString("utf8");
    const listens = code.includes("addEventListener");
    if (built.entrySyntax === "cjs" && !listens) return false;
    const { format } = await inspectEntry(this.#project, entry);
    if (format === "modules" || listens) return format === "service-worker";
    const message = `${relativePath(this.#project, entry)} exports nothing and listens for no events, so this Worker does nothing`;
    const location = { file: entry, line: 1, column: 1 };
    const notes = ["Add a default export: `export default { fetch(request) { return new Response() } }`"];
    throw new TroupeError("BUILD", message, {
      location,
      notes,
      diagnostics: [{ severity: "error", code: "inert-worker", message, location, notes }],
    });
  }

  #plainWarnings(python: boolean): Diagnostic[] {
    if (!this.#project.settings.minify || python) return [];
    return [
      {
        severity: "warning",
        code: "minify-no-bundle",
        message: "minify does nothing with no_bundle: files are taken as they are",
        notes: ["Minify in your own build"],
      },
    ];
  }

  #folders(): string[] {
    const { settings, main } = this.#project;
    const additional =
      settings.noBundle || isPython(main)
        ? plainFolders(this.#project)
        : settings.findAdditionalModules
          ? [moduleRoot(this.#project)]
          : [];
    return sorted([...additional, ...(this.#custom?.watchDirs ?? [])]);
  }

  /** Keeps what the last good build read, and adds what the failed one read or looked for. */
  async #noteFailure(failure: TroupeError, entry: string): Promise<void> {
    const traced = (await this.#esbuild?.trace()) ?? [];
    const named = failure.diagnostics.flatMap((diagnostic) => (diagnostic.location ? [diagnostic.location.file] : []));
    this.#inputs = sorted([
      ...this.#inputs,
      entry,
      ...traced,
      ...named,
      ...lookedFor(this.#project, failure.diagnostics),
    ]);
  }
}

function disposed(): TroupeError {
  return new TroupeError("INTERRUPTED", "The build was stopped");
}

function sorted(paths: Iterable<string>): string[] {
  return [...new Set(paths)].sort();
}
