/** What the bundler is told, from the checked settings of one environment. */
import path from "node:path";
import type { BuildSettings } from "../model.ts";

type Settings = Record<string, unknown>;

/** Config keys that count when code is built, and never again. */
export const BUILD_KEYS: readonly string[] = [
  "main",
  "rules",
  "define",
  "alias",
  "build",
  "no_bundle",
  "find_additional_modules",
  "preserve_file_names",
  "minify",
  "keep_names",
  "base_dir",
  "tsconfig",
  "jsx_factory",
  "jsx_fragment",
  "upload_source_maps",
  "wasm_modules",
  "text_blobs",
  "data_blobs",
];

/** @param dir absolute folder that relative paths start from */
export function buildSettings(settings: Settings, dir: string): BuildSettings {
  const absolute = (file: unknown) => path.resolve(dir, file as string);
  const files = (key: string) =>
    Object.fromEntries(Object.entries((settings[key] ?? {}) as Settings).map(([name, file]) => [name, absolute(file)]));
  const { base_dir, tsconfig } = settings;
  const custom = customBuild(settings.build, absolute);
  return {
    rules: (settings.rules ?? []) as BuildSettings["rules"],
    define: (settings.define ?? {}) as Record<string, string>,
    alias: (settings.alias ?? {}) as Record<string, string>,
    noBundle: settings.no_bundle === true,
    findAdditionalModules: settings.find_additional_modules === true,
    preserveFileNames: settings.preserve_file_names === true,
    minify: settings.minify === true,
    keepNames: settings.keep_names !== false,
    ...(base_dir !== undefined && { baseDir: absolute(base_dir) }),
    ...(tsconfig !== undefined && { tsconfig: absolute(tsconfig) }),
    jsxFactory: (settings.jsx_factory as string | undefined) ?? "React.createElement",
    jsxFragment: (settings.jsx_fragment as string | undefined) ?? "React.Fragment",
    uploadSourceMaps: settings.upload_source_maps !== false,
    ...(custom && { custom }),
    wasmModules: files("wasm_modules"),
    textBlobs: files("text_blobs"),
    dataBlobs: files("data_blobs"),
  };
}

function customBuild(written: unknown, absolute: (file: unknown) => string): BuildSettings["custom"] {
  const { command, cwd = ".", watch_dir = "./src" } = (written ?? {}) as Settings;
  if (typeof command !== "string" || command === "") return undefined;
  return { command, cwd: absolute(cwd), watchDir: [watch_dir].flat().map(absolute) };
}
