/**
 * The esbuild plugin for `nodejs_compat` (v2): Node's modules come from the runtime where it has them at this date and with
 * these flags, else from unenv; globals that the runtime lacks are set up first. Which is which says Cloudflare's preset:
 * https://www.npmjs.com/package/@cloudflare/unenv-preset
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import type { OnLoadResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";
import type { Bundle, Environment } from "../model.ts";
import { escapePattern } from "./alias.ts";
import { serviceWorkerImport } from "./runtime-imports.ts";

/**
 * Polyfills lie wherever troupe is installed. Under a namespace of their own esbuild calls them `unenv/dist/…`, and the
 * bundle does not depend on that place.
 */
const POLYFILL = "node-polyfill";
/** Modules that set globals. */
const GLOBALS = "node-globals";
/** Node's modules got with `require()`: ESM has none, so a small CommonJS module imports them. */
const REQUIRED = "node-required";

interface NodeEnvironment {
  /** Specifier → what to import instead: the same name for modules of the runtime, else a path in a package. */
  alias: Map<string, string>;
  /** What stays an import for the runtime. */
  external: Set<string>;
  /** Module that gives globals → source of a module that sets them. */
  globals: Map<string, string>;
  /** Modules that polyfill a global by being imported. */
  polyfills: readonly string[];
  /** Matches every name of a module of Node. */
  builtins: RegExp;
}

const environments = new Map<string, Promise<NodeEnvironment>>();
const sources = new Map<string, Promise<string>>();
const { resolve: resolvePackage } = createRequire(import.meta.url);

/** esbuild's plugin for `nodejs_compat`: modules and globals of Node, from the runtime or unenv. */
export async function nodePolyfills(environment: Environment, format: Bundle["format"]): Promise<Plugin> {
  const { alias, external, globals, polyfills, builtins } = await nodeEnvironment(environment);
  const aliasFilter = new RegExp(`^(?:${[...alias.keys()].map(escapePattern).join("|")})$`);
  return {
    name: "node-polyfills",
    setup(build) {
      // Without imports there is nothing to polyfill with; what the runtime sets as globals is there all the same.
      if (format === "service-worker") {
        build.onResolve({ filter: builtins }, (args) => ({ errors: [serviceWorkerImport(args.path)] }));
        return;
      }
      // Injected in this order, and so run in this order, before everything else.
      build.initialOptions.inject = [
        ...(build.initialOptions.inject ?? []),
        ...[...globals.keys()].map((module) => `${GLOBALS}:${module}`),
        ...polyfills.map((module) => `${POLYFILL}:${module}`),
      ];
      const injected = new RegExp(`^(?:${GLOBALS}|${POLYFILL}):`);
      build.onResolve({ filter: injected }, ({ path: specifier }) => {
        const module = specifier.replace(injected, "");
        return specifier.startsWith(GLOBALS)
          ? { path: module, namespace: GLOBALS }
          : polyfillResult(resolvePackage(module));
      });
      build.onLoad({ filter: /^/, namespace: GLOBALS }, ({ path: module }) => ({ contents: globals.get(module) }));
      build.onResolve({ filter: aliasFilter }, (args) => resolveAlias(args, alias.get(args.path)!, external, builtins));
      build.onResolve({ filter: /^@cloudflare\/unenv-preset\/|^unenv\// }, (args) =>
        args.namespace === POLYFILL || args.namespace === GLOBALS || args.namespace === REQUIRED
          ? polyfillResult(resolvePackage(args.path))
          : undefined,
      );
      build.onResolve({ filter: /^/, namespace: POLYFILL }, (args) => resolveFromPolyfill(build, args));
      build.onLoad({ filter: /^/, namespace: POLYFILL }, loadPolyfill);
      build.onLoad({ filter: /^/, namespace: REQUIRED }, ({ path: specifier }) => ({
        contents: requiredModule(specifier, builtins.test(specifier)),
      }));
    },
  };
}

function nodeEnvironment({ compatibilityDate, compatibilityFlags }: Environment): Promise<NodeEnvironment> {
  const key = `${compatibilityDate} ${[...compatibilityFlags].sort().join(" ")}`;
  let known = environments.get(key);
  if (!known) {
    known = readPreset(compatibilityDate, compatibilityFlags);
    environments.set(key, known);
  }
  return known;
}

async function readPreset(compatibilityDate: string, compatibilityFlags: string[]): Promise<NodeEnvironment> {
  const [{ defineEnv }, { getCloudflarePreset, nonPrefixedNodeModules }] = await Promise.all([
    import("unenv"),
    import("@cloudflare/unenv-preset"),
  ]);
  const { env } = defineEnv({
    presets: [getCloudflarePreset({ compatibilityDate, compatibilityFlags })],
    npmShims: true,
  });
  const alias = new Map(Object.entries(env.alias as Record<string, string>));
  // unenv's stand-in for the package `debug` prints nothing; the real one works here (Wrangler decided so too).
  alias.delete("debug");
  for (const [name, target] of alias) if (!env.external.includes(target) && !resolvable(target)) alias.delete(name);
  return {
    alias,
    external: new Set(env.external),
    globals: globalModules(env.inject as Record<string, string | string[]>),
    polyfills: env.polyfill,
    builtins: new RegExp(`^(?:${nonPrefixedNodeModules.map(escapePattern).join("|")}|node:.+)$`),
  };
}

function resolvable(target: string): boolean {
  try {
    resolvePackage(target);
    return true;
  } catch {
    return false;
  }
}

/** `inject` names globals: each from a module's default export, or from `[module, export]`. */
function globalModules(inject: Record<string, string | string[]>): Map<string, string> {
  const modules = new Map<string, string>();
  for (const [name, source] of Object.entries(inject)) {
    const [module, exportName] = Array.isArray(source) ? [source[0]!, source[1]!] : [source, "default"];
    const before = modules.get(module) ?? "";
    modules.set(
      module,
      `${before}import { ${exportName} as ${name}Value } from ${JSON.stringify(module)};\nglobalThis.${name} = ${name}Value;\n`,
    );
  }
  return modules;
}

function resolveAlias(
  args: OnResolveArgs,
  target: string,
  external: Set<string>,
  builtins: RegExp,
): OnResolveResult | undefined {
  if (args.kind === "require-call" && args.namespace !== REQUIRED) {
    const ready = builtins.test(args.path) || /^unenv\/(npm|mock)\//.test(target);
    if (ready) return { path: args.path, namespace: REQUIRED };
  }
  if (external.has(target)) return { path: target, external: true };
  return polyfillResult(resolvePackage(target));
}

/** Real files behind the names that esbuild gets to see. */
const files = new Map<string, string>();

function polyfillResult(file: string): OnResolveResult {
  const posix = file.split(path.sep).join("/");
  const name = posix.slice(posix.lastIndexOf("/node_modules/") + "/node_modules/".length);
  files.set(name, file);
  // As the packages' own package.json files say: only what is in `polyfill` does anything by being imported.
  return { path: name, namespace: POLYFILL, sideEffects: name.includes("/runtime/polyfill/") };
}

async function resolveFromPolyfill(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
  const importer = files.get(args.importer)!;
  if (/^\.\.?\//.test(args.path)) return polyfillResult(path.resolve(path.dirname(importer), args.path));
  // A dependency of unenv. Asking as if from a file, so that esbuild looks into node_modules there.
  const result = await build.resolve(args.path, {
    kind: args.kind,
    importer,
    resolveDir: path.dirname(importer),
    namespace: "file",
  });
  if (result.errors.length > 0) return { errors: result.errors };
  return result.namespace === "file" && !result.external
    ? polyfillResult(result.path)
    : { path: result.path, namespace: result.namespace, external: result.external };
}

async function loadPolyfill(args: { path: string }): Promise<OnLoadResult> {
  let source = sources.get(args.path);
  if (!source) {
    source = readFile(files.get(args.path)!, "utf8");
    sources.set(args.path, source);
  }
  return { contents: await source, loader: "js" };
}

/** Builtins give their default export, which has all the others on it; unenv's stand-ins for packages need it made. */
function requiredModule(specifier: string, builtin: boolean): string {
  const name = JSON.stringify(specifier);
  if (builtin) return `import value from ${name};\nmodule.exports = value;`;
  return [
    `import * as all from ${name};`,
    `const exported = "default" in all ? all.default : {};`,
    `for (const [key, value] of Object.entries(all)) if (key !== "default") Object.defineProperty(exported, key, { value, enumerable: true });`,
    `module.exports = exported;`,
  ].join("\n");
}
