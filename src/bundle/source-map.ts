/**
 * Source maps inside a bundle are modules of type `sourcemap` named `<module>.map`. Their `sources` are paths with `/`,
 * relative to the folder of the service's config file, and they have no `sourceRoot`: no path of this machine is in them.
 * What is no file of the project (a polyfill, a URL of somebody's build) keeps a name with a scheme.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Diagnostic } from "../errors.ts";
import type { Module } from "../model.ts";
import type { FoundModule } from "./additional-modules.ts";
import { type Project, posixRelative } from "./project.ts";

/** The parts of a source map that troupe touches: https://tc39.es/ecma426/ */
export interface SourceMap {
  version: number;
  file?: string;
  sourceRoot?: string;
  sources: (string | null)[];
  sourcesContent?: (string | null)[];
  names: string[];
  mappings: string;
}

/** Name of a module's source map. */
export function sourceMapName(moduleName: string): string {
  return `${moduleName}.map`;
}

/**
 * The real file behind an entry of `sources`.
 * @param dir folder of the service's config file (`environment.dir`)
 * @returns an absolute path, or undefined for what is no file
 */
export function sourceFile(dir: string, source: string): string | undefined {
  return hasScheme(source) ? undefined : path.resolve(dir, source);
}

/** `webpack://…`, `node-polyfill:…`; a Windows drive is none. */
function hasScheme(source: string): boolean {
  return /^[a-z][a-z\d+.-]+:/i.test(source);
}

/** Modules with the source maps that the scripts among them point to, and what was read for that. */
export function withSourceMaps(
  project: Project,
  found: readonly FoundModule[],
): { modules: Module[]; files: string[]; warnings: Diagnostic[] } {
  const modules: Module[] = [];
  const files: string[] = [];
  const warnings: Diagnostic[] = [];
  for (const { file, ...module } of found) {
    modules.push(module);
    files.push(file);
    if (!project.sourceMaps || (module.type !== "esm" && module.type !== "cjs")) continue;
    const { map, mapFile, warning } = loadSourceMap(module, file, project.dir);
    if (map) modules.push(map);
    if (mapFile) files.push(mapFile);
    if (warning) warnings.push(warning);
  }
  return { modules, files, warnings };
}

/**
 * The source map that a ready-made JavaScript file points to with `//# sourceMappingURL=`, as a module of the bundle.
 * @returns nothing when it points to none, or only a warning when the map cannot be used
 */
function loadSourceMap(
  module: Module,
  file: string,
  dir: string,
): { map?: Module; mapFile?: string; warning?: Diagnostic } {
  const url = sourceMappingUrl(Buffer.from(module.contents).toString("utf8"));
  if (url === undefined || /^https?:/i.test(url)) return {};
  const inline = url.startsWith("data:");
  const mapFile = inline ? file : path.resolve(path.dirname(file), decodeURI(url));
  try {
    if (!existsSync(mapFile)) throw new Error(`${posixRelative(dir, mapFile)} does not exist`);
    const json = inline ? decodeDataUrl(url) : readFileSync(mapFile, "utf8");
    const map = relocate(JSON.parse(json) as SourceMap, path.dirname(mapFile), dir);
    const contents = new TextEncoder().encode(JSON.stringify({ ...map, file: module.name }));
    return { map: { name: sourceMapName(module.name), type: "sourcemap", contents }, ...(!inline && { mapFile }) };
  } catch (error) {
    return {
      ...(!inline && { mapFile }),
      warning: {
        severity: "warning",
        code: "source-map",
        message: `The source map of ${posixRelative(dir, file)} cannot be used: ${(error as Error).message}`,
        location: { file, line: 1, column: 1 },
      },
    };
  }
}

/** Makes `sources` relative to another folder, and takes `sourceRoot` into them. */
function relocate(map: SourceMap, from: string, to: string): SourceMap {
  const { sourceRoot = "", ...rest } = map;
  if (!Array.isArray(map.sources) || typeof map.mappings !== "string")
    throw new Error("it is no source map of version 3");
  if (hasScheme(sourceRoot)) return { ...rest, sources: map.sources.map((source) => source && sourceRoot + source) };
  const sources = map.sources.map((source) =>
    source === null || hasScheme(source) ? source : posixRelative(to, path.resolve(from, sourceRoot, source)),
  );
  return { ...rest, sources };
}

/** The comment counts only among the comments at the end of the file. */
function sourceMappingUrl(code: string): string | undefined {
  const lines = code.trimEnd().split("\n");
  for (let index = lines.length - 1; index >= 0; index--) {
    const line = lines[index]!.trim();
    const match = /^\/\/[#@] sourceMappingURL=(\S+)$/.exec(line);
    if (match) return match[1];
    if (line !== "" && !/^\/\/[#@]/.test(line)) return undefined;
  }
  return undefined;
}

function decodeDataUrl(url: string): string {
  const comma = url.indexOf(",");
  const data = url.slice(comma + 1);
  return url.slice(0, comma).endsWith(";base64")
    ? Buffer.from(data, "base64").toString("utf8")
    : decodeURIComponent(data);
}
