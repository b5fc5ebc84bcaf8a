import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { build, buildError, code, listing, project, removeProjects, text } from "./helpers.ts";

afterAll(removeProjects);

const esm = [{ type: "ESModule" as const, globs: ["**/*.js"] }];

describe("no_bundle", () => {
  const files = {
    "dist/index.js": `import { a } from "./lib/a.js";\nexport class Room {}\nexport default { fetch: () => new Response(a) };\n`,
    "dist/lib/a.js": "export const a = 1;",
    "dist/page.html": "<p>",
    "dist/notes.md": "no rule matches this",
  };

  it("takes the entry as it is, and by itself what rules match", async () => {
    const dir = project(files);
    const { bundle, inputs, inputFolders } = await build(dir, {
      main: "dist/index.js",
      build: { noBundle: true, rules: esm },
    });
    expect(listing(bundle)).toEqual(["index.js esm", "lib/a.js esm", "page.html text"]);
    expect(code(bundle)).toBe(files["dist/index.js"]);
    expect(bundle.exports).toEqual(["Room", "default"]);
    expect(inputs.map((file) => path.relative(dir, file))).toEqual([
      "dist/index.js",
      "dist/lib/a.js",
      "dist/page.html",
    ]);
    expect(inputFolders).toEqual([path.join(dir, "dist")]);
  });

  it("takes the entry alone with find_additional_modules = false", async () => {
    const dir = project(files);
    const written = {
      find_additional_modules: { file: "wrangler.toml", path: ["find_additional_modules"], environment: "production" },
    };
    const { bundle, inputFolders } = await build(dir, {
      main: "dist/index.js",
      written,
      build: { noBundle: true, rules: esm },
    });
    expect(listing(bundle)).toEqual(["index.js esm"]);
    expect(inputFolders).toEqual([]);
  });

  it("follows star exports into the modules taken along", async () => {
    const dir = project({
      "index.js": `export * from "./a.js"; export * from "elsewhere"; export * as named from "./b.js";`,
      "a.js": `export * from "./b.js"; export class A {} export default {};`,
      "b.js": "export class B {}",
    });
    const { bundle } = await build(dir, { main: "index.js", build: { noBundle: true, rules: esm } });
    expect([...bundle.exports].sort()).toEqual(["A", "B", "named"]);
  });

  it("tells service-worker syntax", async () => {
    const dir = project({ "index.js": `addEventListener("fetch", () => {});` });
    const { bundle } = await build(dir, { main: "index.js", build: { noBundle: true } });
    expect(bundle).toMatchObject({ format: "service-worker", exports: [] });
  });

  it("takes along the source maps that its files name, inline ones too, with sources from the config's folder", async () => {
    const map = (source: string) =>
      JSON.stringify({
        version: 3,
        sourceRoot: "../src",
        sources: [source, "webpack://lib/x.js", null],
        names: [],
        mappings: "AAAA",
      });
    const inline = `data:application/json;base64,${Buffer.from(map("b.ts")).toString("base64")}`;
    const dir = project({
      "dist/index.js": "export default {};\n//# sourceMappingURL=maps/index.js.map\n",
      "dist/maps/index.js.map": map("index.ts"),
      "dist/b.js": `export const b = 1;\n//# sourceMappingURL=${inline}`,
      "dist/c.js": `export const c = 1;\n//# sourceMappingURL=gone.map`,
      "dist/d.js": `export const d = "//# sourceMappingURL=no-comment.map";\nexport const e = 1;`,
    });
    const { bundle, inputs, warnings } = await build(dir, {
      main: "dist/index.js",
      build: { noBundle: true, rules: esm },
    });
    const maps = bundle.modules.filter((module) => module.type === "sourcemap");
    expect(maps.map((module) => [module.name, JSON.parse(text(module)).sources])).toEqual([
      ["b.js.map", ["src/b.ts", "webpack://lib/x.js", null]],
      ["index.js.map", ["dist/src/index.ts", "webpack://lib/x.js", null]],
    ]);
    expect(inputs).toContain(path.join(dir, "dist/maps/index.js.map"));
    expect(warnings).toMatchObject([
      {
        code: "source-map",
        message: expect.stringContaining("dist/gone.map does not exist"),
        location: { file: path.join(dir, "dist/c.js") },
      },
    ]);
  });

  it("refuses TypeScript, and points at syntax errors", async () => {
    const dir = project({
      "index.ts": "export default {}",
      "bad.js": "export default {\n  fetch() { return ü + ; }\n};",
    });
    expect((await buildError(dir, { main: "index.ts", build: { noBundle: true } })).message).toBe(
      "no_bundle takes files as they are, and index.ts is no plain JavaScript",
    );
    const error = await buildError(dir, { main: "bad.js", build: { noBundle: true } });
    expect(error).toMatchObject({ code: "BUILD", location: { file: path.join(dir, "bad.js"), line: 2, column: 24 } });
  });

  it("says that minify does nothing", async () => {
    const dir = project({ "index.js": "export default {}" });
    expect((await build(dir, { main: "index.js", build: { noBundle: true, minify: true } })).warnings).toMatchObject([
      { code: "minify-no-bundle" },
    ]);
  });
});

describe("Python", () => {
  const files = {
    "src/entry.py":
      "from workers import DurableObject, WorkerEntrypoint\nclass Default(WorkerEntrypoint):\n  pass\nclass Room(DurableObject):\n  pass\nclass Other:\n  pass\n",
    "src/lib.py": "x = 1",
    "python_modules/pkg/__init__.py": "",
    "python_modules/pkg/cached.pyc": "",
    "python_modules/workers/sdk.mjs": "export const sdk = 1;",
  };

  it("takes Python files as modules, and packages put beside the config", async () => {
    const { bundle } = await build(project(files), { main: "src/entry.py", compatibilityFlags: ["python_workers"] });
    expect(bundle).toMatchObject({ format: "modules", mainModule: "entry.py", exports: ["Room", "default"] });
    expect(listing(bundle)).toEqual([
      "entry.py python",
      "lib.py python",
      "python_modules/pkg/__init__.py data",
      "python_modules/workers/sdk.mjs esm",
    ]);
  });

  it("needs its compatibility flag", async () => {
    const error = await buildError(project(files), { main: "src/entry.py" });
    expect(error).toMatchObject({
      code: "BUILD",
      notes: ['Add "python_workers" to compatibility_flags in wrangler.toml'],
    });
  });
});
