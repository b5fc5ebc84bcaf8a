import { afterAll, describe, expect, it } from "vitest";
import { createBundler } from "../../src/bundle/index.ts";
import { nodeCompat } from "../../src/bundle/node-compat.ts";
import { build, buildError, code, environment, project, removeProjects, worker } from "./helpers.ts";

afterAll(removeProjects);

describe("how much of Node there is", () => {
  it.each([
    ["2026-01-01", [], "none"],
    ["2026-01-01", ["nodejs_als"], "als"],
    ["2024-09-22", ["nodejs_compat"], "v1"],
    ["2024-09-23", ["nodejs_compat"], "v2"],
    ["2020-01-01", ["nodejs_compat_v2"], "v2"],
    ["2026-01-01", ["nodejs_compat", "no_nodejs_compat_v2"], "v1"],
    ["2026-08-03", [], "none"],
    ["2026-08-04", [], "v2"],
    ["2026-08-04", ["no_nodejs_compat", "no_nodejs_compat_v2"], "none"],
  ] as const)("%s %j: %s", (compatibilityDate, flags, expected) => {
    expect(nodeCompat({ compatibilityDate, compatibilityFlags: [...flags] })).toBe(expected);
  });

  it.each([
    [["nodejs_compat", "nodejs_compat_v2"]],
    [["experimental:nodejs_compat_v2"]],
    [["global_navigator", "no_global_navigator"]],
  ])("refuses %j", async (compatibilityFlags) => {
    const dir = project({ "src/index.ts": worker("1") });
    const location = { file: "wrangler.toml", line: 3, column: 1 };
    const creating = createBundler(environment(dir, { compatibilityFlags }), {
      locate: (key) => (key === "compatibility_flags" ? location : undefined),
    });
    await expect(creating).rejects.toMatchObject({ code: "CONFIG", location });
  });
});

describe("Node's modules without them", () => {
  it("leaves node: imports to the runtime, with a warning at each place", async () => {
    const dir = project({
      "src/index.ts": worker("[fs, a]", `import { a } from "./a";\nimport fs from "node:fs";`),
      "src/a.ts": `export { join as a } from "node:path";`,
    });
    const { bundle, warnings } = await build(dir);
    expect(code(bundle)).toContain(`from "node:fs"`);
    expect(warnings.map(({ code, location, notes }) => [code, location?.line, location?.column, notes])).toEqual([
      ["node-builtin", 1, 27, ['Add "nodejs_compat" to compatibility_flags in wrangler.toml']],
      ["node-builtin", 2, 16, ['Add "nodejs_compat" to compatibility_flags in wrangler.toml']],
    ]);
  });

  it("refuses bare names", async () => {
    const dir = project({ "src/index.ts": worker("fs", `import fs from "fs";`) });
    expect((await buildError(dir)).diagnostics).toMatchObject([
      {
        code: "node-builtin",
        message: 'Could not resolve "fs"',
        location: { line: 1, column: 16 },
        notes: ['"fs" is a module of Node. Add "nodejs_compat" to compatibility_flags in wrangler.toml'],
      },
    ]);
    const older = await buildError(dir, { compatibilityDate: "2024-01-01", compatibilityFlags: ["nodejs_compat"] });
    expect(older.notes).toEqual(['Write "node:fs", or set compatibility_date in wrangler.toml to 2024-09-23 or later']);
  });

  it("warns under nodejs_als about all but node:async_hooks", async () => {
    const dir = project({
      "src/index.ts": worker("[a, b]", `import a from "node:async_hooks";\nimport b from "node:util";`),
    });
    const { warnings } = await build(dir, { compatibilityFlags: ["nodejs_als"] });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.message).toContain('"node:util"');
  });

  it("prefers an alias or a package of that name", async () => {
    const dir = project({
      "src/index.ts": worker("x", `import x from "node:fs";`),
      "stub.ts": `export default "stub";`,
    });
    const { bundle, warnings } = await build(dir, { build: { alias: { "node:fs": "./stub" } } });
    expect([code(bundle).includes('"stub"'), warnings]).toEqual([true, []]);
  });
});

describe("nodejs_compat", () => {
  const flags = { compatibilityFlags: ["nodejs_compat"] };

  it("costs nothing where the runtime has all that is used", async () => {
    const dir = project({ "src/index.ts": worker("fs", `import fs from "node:fs";`) });
    const { bundle, warnings } = await build(dir, { compatibilityDate: "2026-11-01" });
    expect(bundle.size).toBeLessThan(1000);
    expect(warnings).toEqual([]);
  });

  it("names polyfills without the place they are installed in", async () => {
    const dir = project({ "src/index.ts": worker("repl", `import repl from "node:repl";`) });
    const { bundle, inputs } = await build(dir, { ...flags, compatibilityDate: "2024-10-01" });
    const all = bundle.modules.map((module) => Buffer.from(module.contents).toString("utf8")).join();
    expect(all).toContain("node-polyfill:unenv/dist/runtime/node/repl.mjs");
    expect(all).not.toMatch(/node_modules/);
    expect(inputs).toHaveLength(1);
  });

  it("refuses what Node doesn't have either", async () => {
    const dir = project({ "src/index.ts": worker("x", `import x from "node:nothing";`) });
    expect((await buildError(dir, flags)).diagnostics[0]).toMatchObject({
      code: "node-builtin",
      notes: ['Neither the runtime nor nodejs_compat has "nothing"'],
    });
  });

  it("is refused with imports in service-worker syntax", async () => {
    const dir = project({ "src/index.ts": `import fs from "node:fs"; addEventListener("fetch", () => fs);` });
    expect((await buildError(dir, flags)).diagnostics[0]).toMatchObject({ code: "service-worker-import" });
  });
});
