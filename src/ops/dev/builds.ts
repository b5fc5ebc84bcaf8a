/** The bundles of all services of a graph: one warm bundler each, and only what changed is built again. */

import { assetsOnlyBundle } from "../../bundle/assets-only.ts";
import { createBundler } from "../../bundle/index.ts";
import type { BuildResult, Bundler } from "../../bundle/types.ts";
import { type Diagnostic, TroupeError } from "../../errors.ts";
import { isInside } from "../../lib/is-inside.ts";
import type { BuildSettings, Bundle, Environment } from "../../model.ts";
import { settingLocator } from "../setting-location.ts";

interface Entry {
  environment: Environment;
  /** What the bundler was made from: another value needs another bundler. */
  key: string;
  bundler?: Bundler;
  result?: BuildResult;
  /** Files changed since the last good build; undefined: everything. */
  changed?: string[];
  dirty: boolean;
}

export interface BuildOutcome {
  /** Worker ids whose bundle is another one now. */
  changed: string[];
  errors: Diagnostic[];
  warnings: Diagnostic[];
}

export interface BuildsOptions {
  processEnv: Record<string, string | undefined>;
  /** Gets what `[build] command` prints, line by line. */
  onCommandOutput(environment: Environment, line: string): void;
}

/** The bundlers of a run: one for each service, and what each made last. */
export class Builds {
  #entries = new Map<string, Entry>();
  #options: BuildsOptions;

  constructor(options: BuildsOptions) {
    this.#options = options;
  }

  /** Makes the set of bundlers fit the graph; those of services that did not change stay warm. */
  async reconcile(
    environments: ReadonlyMap<string, Environment>,
    overrides: ReadonlyMap<string, Partial<BuildSettings>>,
  ): Promise<void> {
    const leaving = new Map(this.#entries);
    for (const [id, environment] of environments) {
      const key = bundlerKey(environment, overrides.get(id));
      const existing = this.#entries.get(id);
      if (existing?.key === key) {
        existing.environment = environment;
        leaving.delete(id);
        continue;
      }
      const bundler = environment.main
        ? await createBundler(environment, {
            overrides: overrides.get(id),
            mode: "development",
            processEnv: this.#options.processEnv,
            onCommandOutput: (line) => this.#options.onCommandOutput(environment, line),
            locate: settingLocator(environment),
          })
        : undefined;
      this.#entries.set(id, { environment, key, ...(bundler && { bundler }), dirty: true });
    }
    await Promise.all(
      [...leaving].map(async ([id, entry]) => {
        if (this.#entries.get(id) === entry) this.#entries.delete(id);
        await entry.bundler?.dispose();
      }),
    );
  }

  /** Marks what has to be built again. Without `files`: all. */
  markChanged(files?: readonly string[]): void {
    for (const entry of this.#entries.values()) {
      if (files === undefined) {
        entry.dirty = true;
        entry.changed = undefined;
        continue;
      }
      const watched = entry.bundler?.watched;
      const mine = files.filter(
        (file) => watched?.inputs.includes(file) || watched?.folders.some((folder) => isInside(file, folder)),
      );
      if (mine.length === 0) continue;
      // An entry that is dirty with no list is to be built whole: keep it so.
      if (!entry.dirty) entry.changed = mine;
      else if (entry.changed) entry.changed.push(...mine);
      entry.dirty = true;
    }
  }

  /** Builds everything marked. What fails stays marked, with its last good bundle kept. */
  async build(): Promise<BuildOutcome> {
    const outcome: BuildOutcome = { changed: [], errors: [], warnings: [] };
    await Promise.all(
      [...this.#entries].map(async ([id, entry]) => {
        if (!entry.dirty) return;
        try {
          const before = entry.result?.bundle;
          entry.result = entry.bundler
            ? await entry.bundler.build(entry.changed)
            : { bundle: assetsOnlyBundle(), inputs: [], inputFolders: [], warnings: [] };
          entry.dirty = false;
          entry.changed = undefined;
          outcome.warnings.push(...entry.result.warnings);
          if (!before || !sameModules(before, entry.result.bundle)) outcome.changed.push(id);
        } catch (error) {
          if (!(error instanceof TroupeError) || error.code === "INTERNAL") throw error;
          const own: Diagnostic = {
            severity: "error",
            code: "build",
            message: error.message,
            location: error.location,
            notes: error.notes,
          };
          outcome.errors.push(...(error.diagnostics.length > 0 ? error.diagnostics : [own]));
        }
      }),
    );
    return outcome;
  }

  /** Whether some of them have a `[build] command`. */
  get runCommands(): boolean {
    return [...this.#entries.values()].some(({ environment }) => environment.build.custom);
  }

  /** The last good bundle. */
  bundle(id: string): Bundle | undefined {
    return this.#entries.get(id)?.result?.bundle;
  }

  watched(): { files: string[]; folders: string[] } {
    const watched = [...this.#entries.values()].flatMap((entry) => (entry.bundler ? [entry.bundler.watched] : []));
    return { files: watched.flatMap((each) => each.inputs), folders: watched.flatMap((each) => each.folders) };
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => entry.bundler?.dispose()));
    this.#entries.clear();
  }
}

function bundlerKey(environment: Environment, overrides: Partial<BuildSettings> | undefined): string {
  const { main, dir, build, compatibilityDate, compatibilityFlags } = environment;
  return JSON.stringify([main, dir, build, compatibilityDate, compatibilityFlags, overrides]);
}

/** Equal code and equal source maps: a moved line changes stacks, so maps count here (the content hash leaves them out). */
function sameModules(a: Bundle, b: Bundle): boolean {
  if (a.contentHash !== b.contentHash || a.modules.length !== b.modules.length) return false;
  return a.modules.every((module, index) => Buffer.compare(module.contents, b.modules[index]!.contents) === 0);
}
