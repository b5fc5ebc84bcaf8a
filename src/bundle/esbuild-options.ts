/** esbuild as Wrangler sets it up. */
import path from "node:path";
import type { BuildOptions, Plugin } from "esbuild";
import type { Bundle } from "../model.ts";
import { aliases } from "./alias.ts";
import { hasNavigator, nodeCompat } from "./node-compat.ts";
import type { Project } from "./project.ts";
import { runtimeImports } from "./runtime-imports.ts";

/** Loads esbuild when it is needed for the first time. All bundlers share its one service process. */
export function loadEsbuild(): Promise<typeof import("esbuild")> {
  return import("esbuild");
}

/** What V8 in workerd runs as it stands. Explicit resource management and source phase imports came later than ES2024. */
export const SYNTAX = {
  target: "es2024",
  supported: { "import-source": true, using: true },
  loader: { ".js": "jsx", ".mjs": "jsx", ".cjs": "jsx" },
} as const satisfies BuildOptions;

/** A manifest that only Workers Sites knows; the name is part of its contract. */
const SITES_MANIFEST = "__STATIC_CONTENT_MANIFEST";

export type BundleBuildOptions = BuildOptions & { metafile: true; write: false; plugins: Plugin[] };

/** @param collector the plugin that takes modules out of the bundle */
export async function bundleOptions(
  project: Project,
  entry: string,
  format: Bundle["format"],
  collector: Plugin,
): Promise<BundleBuildOptions> {
  const { settings, environment } = project;
  const mode = nodeCompat(environment);
  const alias = aliases(project);
  const plugins = [...(alias ? [alias] : []), collector, runtimeImports(project, mode, format)];
  if (mode === "v2") {
    const { nodePolyfills } = await import("./node-polyfills.ts");
    plugins.push(await nodePolyfills(environment, format));
  }
  const nodeEnv = JSON.stringify(project.nodeEnv);
  return {
    ...SYNTAX,
    bundle: true,
    entryPoints: [entry],
    absWorkingDir: project.dir,
    // Nothing is written there, but source maps name sources from there: so relative to the config's folder.
    outdir: project.dir,
    entryNames: path.parse(entry).name,
    write: false,
    metafile: true,
    logLevel: "silent",
    format: format === "modules" ? "esm" : "iife",
    conditions: project.conditions,
    ...(project.platform && { platform: project.platform }),
    external: [SITES_MANIFEST],
    define: {
      ...(hasNavigator(environment) && { "navigator.userAgent": '"Cloudflare-Workers"' }),
      "process.env.NODE_ENV": nodeEnv,
      "global.process.env.NODE_ENV": nodeEnv,
      "globalThis.process.env.NODE_ENV": nodeEnv,
      ...settings.define,
    },
    sourcemap: project.sourceMaps,
    minify: settings.minify,
    keepNames: settings.keepNames,
    jsxFactory: settings.jsxFactory,
    jsxFragment: settings.jsxFragment,
    ...(settings.tsconfig && { tsconfig: settings.tsconfig }),
    plugins,
  };
}
