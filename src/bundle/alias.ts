/** The esbuild plugin for `alias`: exact names only, resolved from the project's folder, as with Wrangler. */
import type { Plugin } from "esbuild";
import type { Project } from "./project.ts";

const SKIP = Symbol("skip");

/** esbuild's plugin for `[alias]`; undefined when there is none. */
export function aliases(project: Project): Plugin | undefined {
  const alias = new Map(Object.entries(project.settings.alias));
  if (alias.size === 0) return undefined;
  const filter = new RegExp(`^(?:${[...alias.keys()].map(escapePattern).join("|")})$`);
  return {
    name: "alias",
    setup(build) {
      build.onResolve({ filter }, async ({ path, kind, importer, pluginData, with: attributes }) => {
        if (pluginData === SKIP) return undefined;
        // esbuild's own resolver, not Node's, so that packages give what they have for workers.
        const target = alias.get(path)!;
        const result = await build.resolve(target, {
          kind,
          importer,
          resolveDir: project.dir,
          with: attributes,
          pluginData: SKIP,
        });
        const { errors, warnings, external, namespace, sideEffects, suffix } = result;
        if (errors.length > 0) {
          const text = `"${path}" is an alias of "${target}", which can't be resolved`;
          return {
            errors: [{ text, notes: errors.map((error) => ({ text: error.text })), detail: { code: "alias" } }],
          };
        }
        return { path: result.path, external, namespace, sideEffects, suffix, warnings, pluginData: result.pluginData };
      });
    },
  };
}

/** Text as a regular expression that matches just it. */
export function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}
