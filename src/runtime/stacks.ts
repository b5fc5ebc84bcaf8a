/** Stack traces of bundled code, told in the lines of the user's own files. */
import { existsSync } from "node:fs";
import { SourceMap } from "node:module";
import path from "node:path";
import type { Location } from "../errors.ts";
import type { Bundle } from "../model.ts";

export interface StackMapper {
  /** Rewrites every frame that a source map covers. */
  map(stack: string): { stack: string; location?: Location };
}

/**
 * `    at fetch (index.js:12:3)`, `    at file:///…/index.js:12:3`, `  at index.js:1:2 in fetch`. It starts where a word does:
 * to try each letter of a long line without a blank, which any log may have, would take the square of its length.
 */
const FRAME = /(?<![^\s():])((?:file:\/\/\/|\/)?[^\s():]+?\.(?:m|c)?js):(\d+):(\d+)/g;

/** @param dir what the maps' `sources` are relative to: the folder of the service's config */
export function stackMapper(bundle: Bundle, dir: string): StackMapper {
  const maps = new Map<string, SourceMap | undefined>();
  const mapOf = (file: string): SourceMap | undefined => {
    // workerd names a module by its name, with or without a made-up folder before it.
    const module = bundle.modules.find(
      (candidate) => candidate.type === "sourcemap" && matches(file, candidate.name.slice(0, -".map".length)),
    );
    if (!module) return undefined;
    if (!maps.has(module.name)) {
      try {
        maps.set(module.name, new SourceMap(JSON.parse(Buffer.from(module.contents).toString("utf8"))));
      } catch {
        maps.set(module.name, undefined);
      }
    }
    return maps.get(module.name);
  };

  return {
    map(stack) {
      let location: Location | undefined;
      const mapped = stack.replace(FRAME, (frame, file: string, line: string, column: string) => {
        const entry = mapOf(file)?.findEntry(Number(line) - 1, Number(column) - 1);
        if (!entry || !("originalSource" in entry) || !entry.originalSource) return frame;
        const source = entry.originalSource;
        const original = /^[a-z][a-z\d+.-]+:/i.test(source) ? source : path.resolve(dir, source);
        const place = { file: original, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
        if (!location && !original.includes("node_modules") && existsSync(original)) location = place;
        return `${place.file}:${place.line}:${place.column}`;
      });
      return { stack: mapped, ...(location && { location }) };
    },
  };
}

function matches(file: string, moduleName: string): boolean {
  return file === moduleName || file.endsWith(`/${moduleName}`);
}
