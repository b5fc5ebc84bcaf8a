/** The esbuild plugin for imports that the runtime answers: `cloudflare:*`, and `node:*` unless polyfills are at work. */
import type { OnResolveArgs, OnResolveResult, PartialMessage, Plugin } from "esbuild";
import type { Bundle } from "../model.ts";
import type { NodeCompat } from "./node-compat.ts";
import { configName, type Project } from "./project.ts";

const SKIP = Symbol("skip");

/** esbuild's plugin for what the runtime has itself: `cloudflare:*`, and `node:*` as far as the flags say. */
export function runtimeImports(project: Project, mode: NodeCompat, format: Bundle["format"]): Plugin {
  async function resolveNode(
    args: OnResolveArgs,
    resolve: (args: OnResolveArgs) => Promise<OnResolveResult | undefined>,
  ): Promise<OnResolveResult | undefined> {
    if (args.pluginData === SKIP) return undefined;
    const available = mode === "v1" || (mode === "als" && /^node:async_hooks(\/|$)/.test(args.path));
    if (!available) {
      const own = await resolve(args);
      if (own) return own;
    }
    if (format === "service-worker") return { errors: [serviceWorkerImport(args.path)] };
    return { path: args.path, external: true, ...(!available && { warnings: [missingFlag(project, args.path)] }) };
  }

  return {
    name: "runtime-imports",
    setup(build) {
      build.onResolve({ filter: /^cloudflare:/ }, (args) =>
        format === "service-worker"
          ? { errors: [serviceWorkerImport(args.path)] }
          : { path: args.path, external: true },
      );
      if (mode === "v2") return;
      build.onResolve({ filter: /^node:/ }, (args) =>
        resolveNode(args, async ({ path, kind, importer, resolveDir, namespace }) => {
          const result = await build.resolve(path, { kind, importer, resolveDir, namespace, pluginData: SKIP });
          return result.errors.length === 0
            ? { path: result.path, namespace: result.namespace, external: result.external }
            : undefined;
        }),
      );
    },
  };
}

/** The code may get by without it (an import in a `try`), so it is a warning, as with Wrangler. */
function missingFlag(project: Project, specifier: string): PartialMessage {
  return {
    text: `"${specifier}" is a module of Node, and this Worker runs without Node's modules: the import will fail when it is reached`,
    notes: [{ text: enableNodeCompat(project) }],
    detail: { code: "node-builtin" },
  };
}

/** The sentence that says how to get Node's modules. */
export function enableNodeCompat(project: Project): string {
  return `Add "nodejs_compat" to compatibility_flags in ${configName(project)}`;
}

/** That service-worker syntax has no such import, as a message of esbuild. */
export function serviceWorkerImport(specifier: string): PartialMessage {
  return {
    text: `"${specifier}" can't be imported in service-worker syntax, and without exports this Worker counts as that`,
    notes: [{ text: "Use module syntax: `export default { fetch() { … } }` in the main module" }],
    detail: { code: "service-worker-import" },
  };
}
