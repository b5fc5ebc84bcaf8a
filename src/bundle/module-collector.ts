/** The esbuild plugin that takes files matched by a module rule out of the bundle and keeps them as modules. */
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { OnResolveArgs, OnResolveResult, PartialMessage, Plugin, PluginBuild } from "esbuild";
import type { Bundle } from "../model.ts";
import { type FoundModule, findAdditionalModules } from "./additional-modules.ts";
import { byName, sha1 } from "./hash.ts";
import { collectedName, globalName } from "./module-names.ts";
import { type CompiledRule, describe, type RuleSet, ruleForSpecifier, specifierFilter } from "./module-rules.ts";
import type { Project } from "./project.ts";

/** Modules that `require()` asks for: ESM has no require, so a small module imports it and hands it over. */
const REQUIRED = "required-module";
/** Files that code in service-worker syntax imports: there each is a global variable. */
const GLOBAL = "global-module";
/** Marks our own calls of `build.resolve`, so that they don't come back to us. */
const SKIP = Symbol("skip");

export interface ModuleCollector {
  plugin: Plugin;
  /** What the last build collected, sorted by name. */
  collected(): FoundModule[];
}

/** esbuild's plugin for imports that stay files of their own (`.wasm`, `.txt`, `rules`), and what it has found. */
export function createModuleCollector(project: Project, rules: RuleSet, format: Bundle["format"]): ModuleCollector {
  const modules = new Map<string, FoundModule>();
  const importRules = rules.active.filter((rule) => !rule.javascript);
  const shadowed = rules.shadowed.filter((rule) => !rule.javascript);
  const legacyFiles = filesBesideEntry(project, importRules);
  let found = new Map<string, FoundModule>();

  /** @returns what is wrong when another file took the name already */
  function add(module: FoundModule): PartialMessage | undefined {
    const other = modules.get(module.name);
    if (other && Buffer.compare(other.contents, module.contents) !== 0) {
      return {
        text: `Two different files would both become the module "${module.name}"`,
        notes: [{ text: "Remove `preserve_file_names`, so that names are made from the files' contents" }],
        detail: { code: "duplicate-module" },
      };
    }
    modules.set(module.name, module);
    return undefined;
  }

  async function resolve(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
    if (args.pluginData === SKIP || args.kind === "entry-point" || args.namespace === REQUIRED) return undefined;
    const specifier = args.path.replace(/\?.*$/s, "");
    const legacy = legacyFiles.get(specifier);
    const additional = found.get(path.join(args.resolveDir, specifier));
    if (additional) return asImport(additional.name, args);
    const rule = ruleForSpecifier(importRules, legacy ? `./${args.path}` : args.path);
    if (!rule) {
      const lost = ruleForSpecifier(shadowed, args.path);
      return lost && { errors: [shadowedMessage(args.path, describe(lost.rule))] };
    }
    const file = await locate(build, args, specifier);
    if (typeof file !== "string") return file;
    const contents = await readFile(file);
    const hash = sha1(contents);
    const name = format === "service-worker" ? globalName(hash, file) : collectedName(project, specifier, file, hash);
    const clash = add({ name, type: rule.type, file, contents });
    if (clash) return { errors: [clash] };
    return { ...asImport(name, args), warnings: file === legacy ? [legacyMessage(specifier)] : [] };
  }

  /** @returns the file's path, or what esbuild is to be told instead */
  async function locate(
    build: PluginBuild,
    args: OnResolveArgs,
    specifier: string,
  ): Promise<string | OnResolveResult | undefined> {
    const { kind, importer, resolveDir, namespace, with: attributes } = args;
    const resolved = await build.resolve(specifier, {
      kind,
      importer,
      resolveDir,
      namespace,
      with: attributes,
      pluginData: SKIP,
    });
    if (resolved.errors.length === 0) {
      if (resolved.external) return { path: resolved.path, external: true };
      // Something that a package.json disables, or another plugin's own.
      return resolved.namespace === "file" ? resolved.path : undefined;
    }
    return nodeModulesFile(resolveDir, specifier) ?? legacyFiles.get(specifier);
  }

  function asImport(name: string, args: OnResolveArgs): OnResolveResult {
    if (format === "service-worker") return { path: name, namespace: GLOBAL };
    if (args.kind === "require-call") return { path: `./${name}`, namespace: REQUIRED };
    return { path: `./${name}`, external: true };
  }

  const plugin: Plugin = {
    name: "modules",
    setup(build) {
      build.onStart(async () => {
        modules.clear();
        found = new Map();
        if (!project.settings.findAdditionalModules) return undefined;
        if (format === "service-worker") return { errors: [needsModuleSyntax()] };
        for (const module of await findAdditionalModules(project, rules.active)) {
          found.set(module.file, module);
          add(module);
        }
        return undefined;
      });
      const asked = project.settings.findAdditionalModules ? rules.active : importRules;
      const filter = specifierFilter([...asked, ...shadowed], [...legacyFiles.keys()]);
      build.onResolve({ filter }, (args) => resolve(build, args));
      build.onResolve({ filter: /^/, namespace: REQUIRED }, (args) => ({ path: args.path, external: true }));
      build.onLoad({ filter: /^/, namespace: REQUIRED }, (args) => ({
        contents: `import value from ${JSON.stringify(args.path)};\nmodule.exports = value;`,
      }));
      build.onLoad({ filter: /^/, namespace: GLOBAL }, (args) => ({ contents: `export default ${args.path};` }));
    },
  };
  return {
    plugin,
    collected: () => [...modules.values()].sort(byName),
  };
}

/** Wrangler 1 let `import "x.wasm"` mean the file beside the entry. Name → absolute path. */
function filesBesideEntry(project: Project, rules: readonly CompiledRule[]): Map<string, string> {
  const folder = path.dirname(project.main);
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const files = names.filter((name) => ruleForSpecifier(rules, `./${name}`) !== undefined);
  return new Map(files.map((name) => [name, path.join(folder, name)]));
}

/** A file inside a package by its plain path, even where the package's `exports` doesn't list it. */
function nodeModulesFile(from: string, specifier: string): string | undefined {
  if (/^[./]/.test(specifier)) return undefined;
  for (let folder = from; ; folder = path.dirname(folder)) {
    const file = path.join(folder, "node_modules", specifier);
    if (existsSync(file)) return file;
    if (path.dirname(folder) === folder) return undefined;
  }
}

function shadowedMessage(specifier: string, rule: string): PartialMessage {
  return {
    text: `"${specifier}" matches the module rule ${rule}, which counts no more behind an earlier rule of the same type`,
    notes: [{ text: "Add `fallthrough = true` to the earlier rule" }],
    detail: { code: "shadowed-rule" },
  };
}

function legacyMessage(specifier: string): PartialMessage {
  return {
    text: `"${specifier}" is read as a file beside the entry, as Wrangler 1 did`,
    notes: [{ text: `Write "./${specifier}"` }],
    detail: { code: "legacy-import" },
  };
}

function needsModuleSyntax(): PartialMessage {
  return {
    text: "`find_additional_modules` needs a Worker in module syntax, and this one has no exports",
    notes: [{ text: "Remove `find_additional_modules`, or add `export default { fetch() { … } }`" }],
    detail: { code: "service-worker" },
  };
}
