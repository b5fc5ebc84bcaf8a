import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { sha1 } from "../../src/bundle/hash.ts";
import { build, buildError, code, listing, project, removeProjects, text, WASM, worker } from "./helpers.ts";

afterAll(removeProjects);

const hash = (contents: string | Uint8Array) => sha1(Buffer.from(contents));

describe("collected modules", () => {
  it("keeps text, data and WebAssembly as modules named by hash and file name", async () => {
    const dir = project({
      "src/index.ts": worker(
        "[a, b, c, d, e, f]",
        `import a from "./a.txt"; import b from "./sub/b.html"; import c from "../c.sql"; import d from "./d.bin"; import e from "./add.wasm"; import f from "./add.wasm?module";`,
      ),
      "src/a.txt": "A",
      "src/sub/b.html": "B",
      "c.sql": "C",
      "src/d.bin": new Uint8Array([0, 255]),
      "src/add.wasm": WASM,
    });
    const { bundle, inputs } = await build(dir);
    const names = [`${hash("A")}-a.txt`, `${hash("B")}-b.html`, `${hash("C")}-c.sql`];
    expect(listing(bundle)).toEqual([
      "index.js esm",
      ...[
        ...names.map((name) => `${name} text`),
        `${hash(new Uint8Array([0, 255]))}-d.bin data`,
        `${hash(WASM)}-add.wasm wasm`,
      ].sort(),
    ]);
    for (const name of names) expect(code(bundle)).toContain(`from "./${name}"`);
    expect(inputs.map((file) => path.relative(dir, file))).toEqual([
      "c.sql",
      "src/a.txt",
      "src/add.wasm",
      "src/d.bin",
      "src/index.ts",
      "src/sub/b.html",
    ]);
  });

  it("collects a file of a package, also one that its exports don't list", async () => {
    const dir = project({
      "src/index.ts": worker("[a, b]", `import a from "pkg/a.txt"; import b from "pkg/hidden.txt";`),
      "node_modules/pkg/package.json": `{"exports": {"./a.txt": "./data/a.txt"}}`,
      "node_modules/pkg/data/a.txt": "A",
      "node_modules/pkg/hidden.txt": "H",
    });
    expect(listing((await build(dir)).bundle)).toEqual([
      "index.js esm",
      ...[`${hash("A")}-a.txt text`, `${hash("H")}-hidden.txt text`].sort(),
    ]);
  });

  it("makes one module of one file however often it is imported", async () => {
    const dir = project({
      "src/index.ts": worker("[a, b]", `import a from "./a.txt"; import { b } from "./sub/b";`),
      "src/sub/b.ts": `import b from "../a.txt"; export { b };`,
      "src/a.txt": "A",
    });
    expect(listing((await build(dir)).bundle)).toHaveLength(2);
  });

  it("keeps names with preserve_file_names, and stays unambiguous", async () => {
    const dir = project({
      "src/index.ts": worker(
        "[a, b, c, d]",
        `import a from "./a.txt"; import { b } from "./sub/b"; import c from "../c.txt"; import d from "pkg/d.txt";`,
      ),
      "src/sub/b.ts": `import b from "./a.txt"; export { b };`,
      "src/a.txt": "A",
      "src/sub/a.txt": "another",
      "c.txt": "C",
      "node_modules/pkg/d.txt": "D",
    });
    const { bundle } = await build(dir, { build: { preserveFileNames: true } });
    expect(listing(bundle)).toEqual([
      "index.js esm",
      ...[`${hash("C")}/c.txt text`, "a.txt text", "pkg/d.txt text", "sub/a.txt text"].sort(),
    ]);
  });

  it("refuses two files of one name", async () => {
    const dir = project({
      "src/index.ts": worker("[a, b]", `import a from "pkg/a.txt"; import { b } from "./pkg/b";`),
      "src/pkg/b.ts": `import b from "./a.txt"; export { b };`,
      "src/pkg/a.txt": "mine",
      "node_modules/pkg/a.txt": "theirs",
    });
    const error = await buildError(dir, { build: { preserveFileNames: true } });
    expect(error).toMatchObject({
      code: "BUILD",
      message: 'Two different files would both become the module "pkg/a.txt"',
    });
    expect(error.diagnostics[0]).toMatchObject({ code: "duplicate-module", location: { line: 1 } });
  });

  it("reads a bare name as the file beside the entry, with a warning, as Wrangler 1 did", async () => {
    const dir = project({ "src/index.ts": worker("a", `import a from "a.txt";`), "src/a.txt": "A" });
    const { bundle, warnings } = await build(dir);
    expect(listing(bundle)).toContain(`${hash("A")}-a.txt text`);
    expect(warnings).toMatchObject([
      {
        severity: "warning",
        code: "legacy-import",
        notes: ['Write "./a.txt"'],
        location: { file: path.join(dir, "src/index.ts"), line: 1, column: 15, length: 7 },
      },
    ]);
  });

  it("says where an imported file is missing", async () => {
    const dir = project({ "src/index.ts": `import a from "./sub/a.txt";\nexport default { a }`, "src/sub/b.txt": "B" });
    const error = await buildError(dir);
    expect(error).toMatchObject({
      message: 'Could not resolve "./sub/a.txt"',
      location: { file: path.join(dir, "src/index.ts"), line: 1, column: 15, length: 13 },
      notes: ["In src/sub: b.txt"],
    });
  });
});

describe("rules", () => {
  const files = {
    "src/index.ts": worker("[a, b]", `import a from "./a.md"; import b from "./b.txt";`),
    "src/a.md": "A",
    "src/b.txt": "B",
  };

  it("adds to the defaults with fallthrough", async () => {
    const { bundle, warnings } = await build(project(files), {
      build: { rules: [{ type: "Text", globs: ["**/*.md"], fallthrough: true }] },
    });
    expect(listing(bundle)).toHaveLength(3);
    expect(warnings).toEqual([]);
  });

  it("ends the rules of a type without fallthrough, and says so", async () => {
    const dir = project({ ...files, "src/index.ts": worker("a", `import a from "./a.md";`) });
    const { bundle, warnings } = await build(dir, { build: { rules: [{ type: "Text", globs: ["**/*.md"] }] } });
    expect(listing(bundle)).toHaveLength(2);
    expect(warnings).toMatchObject([
      { code: "shadowed-rule", message: expect.stringContaining('"**/*.txt", "**/*.html", "**/*.sql"') },
    ]);
    expect(
      (await build(dir, { build: { rules: [{ type: "Text", globs: ["**/*.md"], fallthrough: false }] } })).warnings,
    ).toEqual([]);
  });

  it("refuses to import what only a shadowed rule matches", async () => {
    const error = await buildError(project(files), { build: { rules: [{ type: "Text", globs: ["**/*.md"] }] } });
    expect(error.diagnostics[0]).toMatchObject({ code: "shadowed-rule", location: { line: 1, column: 39 } });
  });

  it("lets a rule of the config win over the defaults", async () => {
    const rules = [
      { type: "Data" as const, globs: ["**/*.txt"], fallthrough: true },
      { type: "Text" as const, globs: ["**/*.md"], fallthrough: true },
    ];
    const { bundle } = await build(project(files), { build: { rules } });
    expect(listing(bundle)).toContain(`${hash("B")}-b.txt data`);
  });

  it("offers a rule for a file that has none", async () => {
    const error = await buildError(project(files));
    expect(error.diagnostics[0]).toMatchObject({
      code: "no-loader",
      notes: [
        'To import it as a text or bytes, add a rule to wrangler.toml: rules = [{ type = "Text", globs = ["**/*.md"], fallthrough = true }]',
      ],
    });
  });
});

describe("find_additional_modules", () => {
  const files = {
    "src/index.ts": worker(
      "[en, s, await import(name)]",
      `import en from "./lang/en.mjs"; import { s } from "./sub/s"; const name = "./lang/de.mjs";`,
    ),
    "src/sub/s.ts": `import fr from "../lang/fr.mjs"; import c from "./c.cjs"; export const s = [fr, c];`,
    "src/sub/c.cjs": "module.exports = 'c';",
    "src/lang/en.mjs": `export default "en";`,
    "src/lang/de.mjs": `export default "de";`,
    "src/lang/fr.mjs": `export default "fr";`,
    "src/node_modules/pkg/license.txt": "not part of this",
    "src/.wrangler/state.txt": "nor this",
    "outside.txt": "nor this",
  };
  const rules = [
    { type: "ESModule" as const, globs: ["**/*.mjs"] },
    { type: "CommonJS" as const, globs: ["**/*.cjs"] },
  ];

  it("attaches every match below the entry's folder, and imports it by its name from the main module", async () => {
    const dir = project(files);
    const { bundle, inputFolders } = await build(dir, { build: { rules, findAdditionalModules: true } });
    expect(listing(bundle)).toEqual([
      "index.js esm",
      "lang/de.mjs esm",
      "lang/en.mjs esm",
      "lang/fr.mjs esm",
      "sub/c.cjs cjs",
    ]);
    for (const name of ["lang/en.mjs", "lang/fr.mjs", "sub/c.cjs"]) expect(code(bundle)).toContain(`from "./${name}"`);
    expect(inputFolders).toEqual([path.join(dir, "src")]);
  });

  it("starts from base_dir", async () => {
    const dir = project(files);
    const { bundle } = await build(dir, { build: { rules, findAdditionalModules: true, baseDir: dir } });
    expect(listing(bundle)).toEqual([
      "index.js esm",
      "outside.txt text",
      "src/lang/de.mjs esm",
      "src/lang/en.mjs esm",
      "src/lang/fr.mjs esm",
      "src/sub/c.cjs cjs",
    ]);
    expect(code(bundle)).toContain(`from "./src/lang/en.mjs"`);
  });

  it("looks into node_modules when a rule names it", async () => {
    const all = [...rules, { type: "Text" as const, globs: ["node_modules/pkg/*.txt"], fallthrough: true }];
    const { bundle } = await build(project(files), { build: { rules: all, findAdditionalModules: true } });
    expect(listing(bundle)).toContain("node_modules/pkg/license.txt text");
  });

  it("bundles JavaScript that a rule matches when it is off", async () => {
    const { bundle } = await build(project(files), { build: { rules } });
    expect(listing(bundle)).toEqual(["index.js esm"]);
  });

  it("attaches source maps that found modules point to, with sources named from the config's folder", async () => {
    const map = { version: 3, sources: ["../ts/en.ts"], names: [], mappings: "AAAA" };
    const dir = project({
      ...files,
      "src/lang/en.mjs": `export default "en";\n//# sourceMappingURL=en.mjs.map\n`,
      "src/lang/en.mjs.map": JSON.stringify(map),
    });
    const { bundle } = await build(dir, { build: { rules, findAdditionalModules: true } });
    const attached = bundle.modules.find((module) => module.name === "lang/en.mjs.map");
    expect(JSON.parse(text(attached))).toMatchObject({ file: "lang/en.mjs", sources: ["src/ts/en.ts"] });
  });
});

describe("service-worker syntax", () => {
  const script = `import t from "./t.txt"; addEventListener("fetch", (event) => event.respondWith(new Response(t + typeof WASM + NOTE)));`;

  it("is told by an entry without exports that listens; its files are globals", async () => {
    const dir = project({ "src/index.js": script, "src/t.txt": "T", "add.wasm": WASM, "note.txt": "N" });
    const blobs = {
      wasmModules: { WASM: path.join(dir, "add.wasm") },
      textBlobs: { NOTE: path.join(dir, "note.txt") },
    };
    const { bundle, inputs } = await build(dir, { main: "src/index.js", build: blobs });
    expect(bundle).toMatchObject({ format: "service-worker", mainModule: "index.js", exports: [] });
    expect(listing(bundle)).toEqual(["index.js cjs", "NOTE text", "WASM wasm", `__${hash("T")}_t_txt text`]);
    expect(code(bundle)).toContain(`__${hash("T")}_t_txt`);
    expect(inputs.map((file) => path.relative(dir, file))).toEqual([
      "add.wasm",
      "note.txt",
      "src/index.js",
      "src/t.txt",
    ]);
  });

  it("is kept for named exports without a default when the code listens, and not otherwise", async () => {
    const dir = project({
      "src/index.js": `export const helper = 1;\naddEventListener("fetch", () => {});`,
      "src/shadow.js": `export class Room {}\nfunction f(addEventListener) { addEventListener("x"); }`,
      "src/common.js": "module.exports = { fetch() {} };",
    });
    expect((await build(dir, { main: "src/index.js" })).bundle.format).toBe("service-worker");
    expect((await build(dir, { main: "src/shadow.js" })).bundle).toMatchObject({
      format: "modules",
      exports: ["Room"],
    });
    expect((await build(dir, { main: "src/common.js" })).bundle).toMatchObject({
      format: "modules",
      exports: ["default"],
    });
  });

  it("can't import from the runtime, and says what to do", async () => {
    const dir = project({
      "src/index.js": `import { env } from "cloudflare:workers";\naddEventListener("fetch", () => env);`,
    });
    const error = await buildError(dir, { main: "src/index.js" });
    expect(error.diagnostics[0]).toMatchObject({ code: "service-worker-import", location: { line: 1, column: 21 } });
  });

  it("refuses blobs in module syntax, find_additional_modules in this one, and code that does neither", async () => {
    const dir = project({
      "src/index.js": worker("1"),
      "src/sw.js": script,
      "src/t.txt": "T",
      "src/empty.js": "const a = 1;",
    });
    expect(
      await buildError(dir, { main: "src/index.js", build: { dataBlobs: { D: path.join(dir, "src/t.txt") } } }),
    ).toMatchObject({
      code: "BUILD",
      message: "data_blobs is for service-worker syntax, and this Worker has exports",
    });
    expect((await buildError(dir, { main: "src/sw.js", build: { findAdditionalModules: true } })).message).toContain(
      "needs a Worker in module syntax",
    );
    expect((await buildError(dir, { main: "src/empty.js" })).diagnostics[0]).toMatchObject({
      code: "inert-worker",
      location: { line: 1 },
    });
  });
});
