/** Bundles services and writes what a deployment of them would hold. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Bundler, createBundler } from "../bundle/index.ts";
import { type Diagnostic, TroupeError } from "../errors.ts";
import type { BuildSettings, Bundle, Environment, ModuleType } from "../model.ts";
import { type Selection, selectEnvironments, selectServices, selectWorkspace } from "./select.ts";
import { settingLocator } from "./setting-location.ts";

export interface BuildOptions extends Selection {
  /** Folder that gets one folder per service; relative to `cwd`. Default `dist`. */
  outDir?: string;
  /** Settings that beat those of the config. */
  overrides?: Partial<BuildSettings>;
  /** Ends the build, with every command it runs. */
  signal?: AbortSignal;
  /** Gets what a service's `[build] command` prints. */
  onCommandOutput?(service: string, line: string): void;
}

export interface BuiltService {
  service: string;
  environment: string;
  format: Bundle["format"];
  mainModule: string;
  exports: string[];
  contentHash: string;
  /** Bytes of all modules without source maps. */
  size: number;
  /** Absolute. */
  outDir: string;
  modules: { name: string; type: ModuleType; size: number }[];
}

export interface BuildReport {
  services: BuiltService[];
  warnings: Diagnostic[];
}

/** Names the files that a build wrote, so that the next one removes what it no longer makes, and nothing else. */
const MANIFEST = ".troupe-build.json";

/**
 * Builds the selected services side by side. Nothing is written unless all of them build.
 * @throws TroupeError CONFIG, NOT_FOUND; BUILD with the errors of every service; CONFLICT when output would replace a source
 */
export async function buildServices(options: BuildOptions): Promise<BuildReport> {
  const { workspace, warnings } = await selectWorkspace(options);
  const environments = selectEnvironments(selectServices(workspace, options), options.env);
  const built = await buildAll(environments, options);
  const root = path.resolve(options.cwd, options.outDir ?? "dist");
  for (const { environment, bundle, inputs } of built) {
    checkOutput(path.join(root, environment.service), bundle, inputs);
  }
  const services = await Promise.all(
    built.map(async ({ environment, bundle }): Promise<BuiltService> => {
      const outDir = path.join(root, environment.service);
      await writeBundle(outDir, bundle);
      const { format, mainModule, exports, contentHash, size } = bundle;
      const modules = bundle.modules.map(({ name, type, contents }) => ({ name, type, size: contents.byteLength }));
      return {
        service: environment.service,
        environment: environment.name,
        format,
        mainModule,
        exports,
        contentHash,
        size,
        outDir,
        modules,
      };
    }),
  );
  return { services, warnings: [...warnings, ...built.flatMap((each) => each.warnings)] };
}

export interface Built {
  environment: Environment;
  bundle: Bundle;
  inputs: string[];
  warnings: Diagnostic[];
}

/** Bundles environments side by side. */
export async function buildAll(environments: readonly Environment[], options: BuildOptions): Promise<Built[]> {
  const bundlers: Bundler[] = [];
  const stop = () => void Promise.all(bundlers.map((bundler) => bundler.dispose()));
  options.signal?.addEventListener("abort", stop, { once: true });
  try {
    const results = await Promise.allSettled(
      environments.map(async (environment): Promise<Built> => {
        const bundler = await createBundler(environment, {
          mode: "production",
          processEnv: options.processEnv,
          overrides: options.overrides,
          locate: settingLocator(environment),
          onCommandOutput: (line) => options.onCommandOutput?.(environment.service, line),
        });
        bundlers.push(bundler);
        if (options.signal?.aborted) await bundler.dispose();
        const { bundle, inputs, warnings } = await bundler.build();
        return { environment, bundle, inputs, warnings };
      }),
    );
    return allOrErrors(environments, results);
  } finally {
    options.signal?.removeEventListener("abort", stop);
    await Promise.all(bundlers.map((bundler) => bundler.dispose()));
  }
}

function allOrErrors(environments: readonly Environment[], results: readonly PromiseSettledResult<Built>[]): Built[] {
  const built: Built[] = [];
  const failed: string[] = [];
  const errors: unknown[] = [];
  results.forEach((result, index) => {
    if (result.status === "fulfilled") {
      built.push(result.value);
      return;
    }
    failed.push(environments[index]!.service);
    errors.push(result.reason);
  });
  if (errors.length === 0) return built;
  // One error keeps its code and its place; several become one list. What is no error of the user's comes first.
  const [first] = errors;
  const faults = errors.filter((error) => error instanceof TroupeError && error.code === "BUILD") as TroupeError[];
  if (errors.length === 1 || faults.length < errors.length)
    throw errors.find((error) => !faults.includes(error as TroupeError)) ?? first;
  throw new TroupeError("BUILD", `Building ${failed.length} services failed: ${failed.join(", ")}`, {
    diagnostics: faults.flatMap((fault) => fault.diagnostics),
  });
}

/** @throws TroupeError CONFLICT naming the source that a module would be written over */
function checkOutput(outDir: string, bundle: Bundle, inputs: readonly string[]): void {
  const sources = new Set(inputs);
  for (const { name } of bundle.modules) {
    const target = path.resolve(outDir, name);
    if (!target.startsWith(outDir + path.sep)) throw new Error(`module name leads out of the bundle: ${name}`);
    if (!sources.has(target)) continue;
    throw new TroupeError("CONFLICT", `The build would write over its own source ${target}`, {
      notes: ["Choose another folder with --out"],
    });
  }
}

async function writeBundle(outDir: string, bundle: Bundle): Promise<void> {
  const names = bundle.modules.map((module) => module.name);
  const manifest = path.join(outDir, MANIFEST);
  for (const stale of await previousFiles(manifest)) {
    if (!names.includes(stale)) await rm(path.join(outDir, stale), { force: true });
  }
  for (const { name, contents } of bundle.modules) {
    const file = path.join(outDir, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, contents);
  }
  await writeFile(
    manifest,
    `${JSON.stringify({ mainModule: bundle.mainModule, format: bundle.format, contentHash: bundle.contentHash, files: names }, null, 2)}\n`,
  );
}

/** Names below the folder of the manifest; a damaged or foreign manifest names none. */
async function previousFiles(manifest: string): Promise<string[]> {
  try {
    const { files } = JSON.parse(await readFile(manifest, "utf8")) as { files: unknown };
    const folder = path.dirname(manifest);
    return (files as unknown[]).filter(
      (name): name is string => typeof name === "string" && path.resolve(folder, name).startsWith(folder + path.sep),
    );
  } catch {
    return [];
  }
}
