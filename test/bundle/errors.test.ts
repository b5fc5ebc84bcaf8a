import { mkdirSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { buildError, project, removeProjects, worker } from "./helpers.ts";

afterAll(removeProjects);

describe("errors of the code", () => {
  it("have a code, a place that editors count the same, and a message", async () => {
    const dir = project({ "src/index.ts": `const greeting = "ü😀"; const other = ;\nexport default {};` });
    expect(await buildError(dir)).toMatchObject({
      code: "BUILD",
      message: 'Unexpected ";"',
      location: { file: path.join(dir, "src/index.ts"), line: 1, column: 39, length: 1 },
      diagnostics: [{ severity: "error", code: "syntax" }],
    });
  });

  it("come all together", async () => {
    const dir = project({
      "src/index.ts": worker("[a, b, c]", `import a from "./a";\nimport { b } from "./b";\nimport c from "./c";`),
      "src/b.ts": "export const d = 1;",
      "src/c.ts": "let =",
    });
    const error = await buildError(dir);
    expect(error.message).toBe("Building src/index.ts failed with 2 errors");
    expect(
      error.diagnostics.map(({ code, location }) => [
        code,
        location && path.relative(dir, location.file),
        location?.line,
      ]),
    ).toEqual([
      ["syntax", "src/c.ts", 1],
      ["unresolved-import", "src/index.ts", 1],
    ]);
  });

  it("name exports that are missing", async () => {
    const dir = project({
      "src/index.ts": worker("b", `import { b } from "./b";`),
      "src/b.ts": "export const bb = 1;",
    });
    const error = await buildError(dir);
    expect(error.diagnostics[0]).toMatchObject({
      code: "missing-export",
      message: 'No matching export in "src/b.ts" for import "b"',
    });
  });

  it("name files like the one that is missing, or what is there", async () => {
    const dir = project({
      "src/index.ts": worker(
        "[a, b, c, d]",
        `import a from "./Helper.js";\nimport b from "./gone/b";\nimport c from "./zzz";\nimport d from "./hlper";`,
      ),
      "src/helper.vue": "",
    });
    expect((await buildError(dir)).diagnostics.map(({ notes }) => notes)).toEqual([
      ["In src there is helper.vue"],
      ["There is no folder src/gone"],
      ["In src: helper.vue, index.ts"],
      ["Did you mean helper.vue, in src?"],
    ]);
  });
});

describe("missing packages", () => {
  const source = { "app/src/index.ts": worker("h", `import h from "@scope/hono/router";`) };
  const notes = async (files: Record<string, string>) =>
    (await buildError(path.join(project({ ...source, ...files }), "app"))).notes;

  it("are to be added when no package.json asks for them", async () => {
    expect(await notes({})).toEqual(["Run `npm install @scope/hono`"]);
    expect(await notes({ "pnpm-lock.yaml": "" })).toEqual(["Run `pnpm add @scope/hono`"]);
  });

  it("are to be installed when one does", async () => {
    const manifest = `{"dependencies": {"@scope/hono": "1"}}`;
    expect(await notes({ "app/package.json": manifest })).toEqual(["node_modules is missing: run `npm install`"]);
    expect(await notes({ "package.json": manifest, "yarn.lock": "" })).toEqual([
      "node_modules is missing: run `yarn install` in ..",
    ]);
    expect(await notes({ "app/package.json": manifest, "app/node_modules/other/index.js": "" })).toEqual([
      '"@scope/hono" is in package.json and not installed: run `npm install`',
    ]);
  });

  it("are told from what only a framework's build has", async () => {
    const dir = project({ "src/index.ts": worker("r", `import r from "virtual:react-router/server-build";`) });
    const { code, notes } = (await buildError(dir)).diagnostics[0]!;
    expect(code).toBe("virtual-module");
    expect(notes?.join("\n")).toContain("npm run build");
  });

  it("are told from a part that an installed package lacks", async () => {
    expect(await notes({ "app/node_modules/@scope/hono/package.json": "{}" })).toEqual([
      'The package "@scope/hono" is installed, and has no "router"',
    ]);
  });
});

describe("main", () => {
  it("names the likely file when it doesn't exist", async () => {
    const dir = project({ "src/index.ts": "export default {}" });
    const location = { file: path.join(dir, "wrangler.toml"), line: 2, column: 8 };
    expect(
      await buildError(
        dir,
        { main: "src/index.js" },
        { locate: async (key) => (key === "main" ? location : undefined) },
      ),
    ).toMatchObject({
      code: "BUILD",
      message: "main does not exist: src/index.js",
      location,
      notes: ['Did you mean "src/index.ts"?'],
    });
    expect((await buildError(dir, { main: "worker.ts" })).notes).toEqual(['Did you mean "src/index.ts"?']);
  });

  it("names what is there, or that nothing is", async () => {
    const dir = project({ "lib/thing.ts": "", "src/other.css": "" });
    const generated = 'If a tool generates it, run that first, or have it run: [build] command = "…" in wrangler.toml';
    expect((await buildError(dir, { main: "src/index.ts" })).notes).toEqual(["In src: other.css", generated]);
    expect((await buildError(dir, { main: "gone/index.ts" })).notes).toEqual(["There is no folder gone", generated]);
  });

  it("is no folder", async () => {
    const dir = project({ "src/index.ts": "export default {}" });
    mkdirSync(path.join(dir, "public"));
    expect(await buildError(dir, { main: "src" })).toMatchObject({
      message: "main is a folder, not a file: src",
      notes: ['Did you mean "src/index.ts"?'],
    });
  });

  it("may leave out its extension", async () => {
    const { build } = await import("./helpers.ts");
    expect(
      (await build(project({ "src/index.ts": "export default {}" }), { main: "src/index" })).bundle.mainModule,
    ).toBe("index.js");
  });
});

describe("errors of settings", () => {
  it("name an alias that leads nowhere, a define that is no expression, a tsconfig that is missing", async () => {
    const dir = project({ "src/index.ts": worker("a", `import a from "a";`), "src/plain.ts": worker("1") });
    expect((await buildError(dir, { build: { alias: { a: "./gone" } } })).diagnostics[0]).toMatchObject({
      code: "alias",
      message: '"a" is an alias of "./gone", which can\'t be resolved',
      location: { line: 1 },
    });
    const plain = { main: "src/plain.ts" };
    const locate = (key: string) => ({ file: key, line: 1, column: 1 });
    expect(await buildError(dir, { ...plain, build: { define: { A: "not json" } } }, { locate })).toMatchObject({
      message: "define of A is no name and no JavaScript literal: not json",
      location: { file: "define.A" },
    });
    expect(
      await buildError(dir, { ...plain, build: { tsconfig: path.join(dir, "gone.json") } }, { locate }),
    ).toMatchObject({
      message: expect.stringContaining("gone.json"),
      location: { file: "tsconfig" },
    });
  });
});
