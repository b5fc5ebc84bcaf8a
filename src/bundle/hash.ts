import { createHash } from "node:crypto";
import type { Bundle, Module } from "../model.ts";

/**
 * Puts modules in their one order (main first, then by name), and computes hash and size.
 * @param parts modules with the main module somewhere among them; names are unique
 */
export function assembleBundle(parts: Pick<Bundle, "format" | "mainModule" | "modules" | "exports">): Bundle {
  const { format, mainModule, exports } = parts;
  const main = parts.modules.find((module) => module.name === mainModule);
  if (!main) throw new Error(`no module named ${mainModule}`);
  const others = parts.modules.filter((module) => module !== main).sort(byName);
  const modules = [main, ...others];
  const counted = modules.filter((module) => module.type !== "sourcemap");
  return {
    format,
    mainModule,
    modules,
    exports: format === "service-worker" ? [] : exports,
    contentHash: contentHash(format, mainModule, counted),
    size: counted.reduce((sum, module) => sum + module.contents.byteLength, 0),
  };
}

/** By code units: no locale may have a say in the order. */
export function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** Lengths go in before the bytes, so that no two different bundles can feed the same bytes to the hash. */
function contentHash(format: Bundle["format"], mainModule: string, modules: Module[]): string {
  const hash = createHash("sha256").update(`${format}\0${mainModule}\0`);
  for (const { name, type, contents } of modules)
    hash.update(`${name}\0${type}\0${contents.byteLength}\0`).update(contents);
  return hash.digest("hex");
}

/** SHA-1 of a file: what the names of collected modules start with, as with Wrangler. */
export function sha1(contents: Uint8Array): string {
  return createHash("sha1").update(contents).digest("hex");
}
