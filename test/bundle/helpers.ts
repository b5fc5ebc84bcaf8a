/** Real projects in temporary folders, built by the real bundler. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type BundleOptions, createBundler } from "../../src/bundle/index.ts";
import { TroupeError } from "../../src/errors.ts";
import type { BuildSettings, Bundle, Environment, Module } from "../../src/model.ts";

const folders: string[] = [];

/** For every file's own `afterAll`: the files share this module, so one that stood here would be the first file's alone. */
export function removeProjects(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** A folder holding these files, until `removeProjects`. */
export function project(files: Record<string, string | Uint8Array>): string {
  const dir = realpathSync(mkdtempSync(path.join(tmpdir(), "troupe-bundle-")));
  folders.push(dir);
  write(dir, files);
  return dir;
}

export function write(dir: string, files: Record<string, string | Uint8Array>): void {
  for (const [name, contents] of Object.entries(files)) {
    const file = path.join(dir, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
}

export type Overrides = Partial<Omit<Environment, "build">> & { build?: Partial<BuildSettings> };

/** An environment as `config/` would resolve it; `main` is relative. Node's modules are off unless flags say so. */
export function environment(dir: string, { build, main = "src/index.ts", ...rest }: Overrides = {}): Environment {
  return {
    service: "sample",
    name: "production",
    scriptName: "sample",
    dialect: "wrangler",
    configPath: path.join(dir, "wrangler.toml"),
    dir,
    main: path.join(dir, main),
    compatibilityDate: "2026-01-01",
    compatibilityFlags: [],
    bindings: [],
    crons: [],
    routes: [],
    protected: false,
    migrations: [],
    settings: {},
    written: {},
    ...rest,
    build: {
      rules: [],
      define: {},
      alias: {},
      noBundle: false,
      findAdditionalModules: false,
      preserveFileNames: false,
      minify: false,
      keepNames: true,
      jsxFactory: "React.createElement",
      jsxFragment: "React.Fragment",
      uploadSourceMaps: true,
      wasmModules: {},
      textBlobs: {},
      dataBlobs: {},
      ...build,
    },
  };
}

export async function build(dir: string, overrides?: Overrides, options?: BundleOptions) {
  const bundler = await createBundler(environment(dir, overrides), options);
  try {
    return await bundler.build();
  } finally {
    await bundler.dispose();
  }
}

/** The error of a build that must fail. */
export async function buildError(dir: string, overrides?: Overrides, options?: BundleOptions): Promise<TroupeError> {
  try {
    await build(dir, overrides, options);
  } catch (error) {
    if (error instanceof TroupeError) return error;
    throw error;
  }
  throw new Error("the build was expected to fail");
}

export function text(module: Module | undefined): string {
  if (!module) throw new Error("no such module");
  return Buffer.from(module.contents).toString("utf8");
}

/** The main module's code. */
export function code(bundle: Bundle): string {
  return text(bundle.modules[0]);
}

/** `name type` of all modules but source maps. */
export function listing(bundle: Bundle): string[] {
  return bundle.modules
    .filter((module) => module.type !== "sourcemap")
    .map((module) => `${module.name} ${module.type}`);
}

/** A module exporting `add(a, b)`. */
export const WASM = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x07, 0x01, 0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f, 0x03, 0x02,
  0x01, 0x00, 0x07, 0x07, 0x01, 0x03, 0x61, 0x64, 0x64, 0x00, 0x00, 0x0a, 0x09, 0x01, 0x07, 0x00, 0x20, 0x00, 0x20,
  0x01, 0x6a, 0x0b,
]);

/** A handler around an expression of `request`. */
export function worker(expression: string, imports = ""): string {
  return `${imports}\nexport default { async fetch(request, env) { return Response.json(${expression}); } };\n`;
}
