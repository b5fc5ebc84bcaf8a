/** Types taken from the source of the workspace's own services: `import("../auth/src/index").Verifier`. */
import path from "node:path";
import type { Reference } from "../../bindings/kind.ts";
import { resolveReference } from "../../graph/index.ts";
import { type Bundle, type Environment, refId, type Workspace } from "../../model.ts";

export interface ImportTypes {
  /** The expression for what a reference of `from` points to; undefined when its source is not there or does not export it. */
  of(from: Environment, reference: Reference): string | undefined;
  /** The module specifier of an environment's own source. */
  specifier(environment: Environment): string | undefined;
}

/**
 * @param file the declaration file that the types are written into
 * @param bundles by `service@environment`; one that is absent could not be built: its exports are taken on trust
 */
export function importTypes(workspace: Workspace, file: string, bundles: ReadonlyMap<string, Bundle>): ImportTypes {
  const specifier = ({ main }: Environment) => (main === undefined ? undefined : moduleSpecifier(file, main));
  return {
    specifier,
    of(from, reference) {
      const target = resolveReference(workspace, from, reference).environment;
      const module = target && specifier(target);
      if (module === undefined) return undefined;
      const name = reference.exportName ?? "default";
      const bundle = bundles.get(refId({ service: target!.service, environment: target!.name }));
      if (bundle && !bundle.exports.includes(name)) return undefined;
      return `import(${JSON.stringify(module)}).${name}`;
    },
  };
}

/** TypeScript resolves `.mjs` and `.cjs` to `.mts` and `.cts`; other endings are left away. Python has no types. */
export function moduleSpecifier(file: string, main: string): string | undefined {
  const extension = path.extname(main);
  if (extension === ".py") return undefined;
  const ending = { ".mts": ".mjs", ".mjs": ".mjs", ".cts": ".cjs", ".cjs": ".cjs" }[extension] ?? "";
  const stem = /^\.(ts|tsx|js|jsx|mts|mjs|cts|cjs)$/.test(extension) ? main.slice(0, -extension.length) : main;
  const relative = path.relative(path.dirname(file), stem).split(path.sep).join("/");
  return (relative.startsWith("../") ? relative : `./${relative}`) + ending;
}
