import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { build, code, project, removeProjects, text, worker } from "./helpers.ts";

afterAll(removeProjects);

describe("what esbuild is told", () => {
  it("bundles TypeScript into one ES module named after the entry, with its exports", async () => {
    const dir = project({
      "src/api.worker.ts": `import { greet } from "./greet";\nexport class Rooms {}\nexport class Verifier {}\nexport default { fetch: (): Response => new Response(greet("you")) };`,
      "src/greet.ts": 'export const greet = (name: string): string => "hello " + name;',
    });
    const { bundle, inputs, inputFolders, warnings } = await build(dir, { main: "src/api.worker.ts" });
    expect(bundle).toMatchObject({
      format: "modules",
      mainModule: "api.worker.js",
      exports: ["Rooms", "Verifier", "default"],
    });
    expect(bundle.modules.map(({ name, type }) => [name, type])).toEqual([
      ["api.worker.js", "esm"],
      ["api.worker.js.map", "sourcemap"],
    ]);
    expect(bundle.size).toBe(bundle.modules[0]!.contents.byteLength);
    expect(bundle.contentHash).toMatch(/^[0-9a-f]{64}$/);
    expect(inputs).toEqual(["src/api.worker.ts", "src/greet.ts"].map((file) => path.join(dir, file)));
    expect([inputFolders, warnings]).toEqual([[], []]);
  });

  it("takes what a package has for workerd, before worker, browser and module", async () => {
    const target = (name: string) => `export default "${name}";`;
    const dir = project({
      "src/index.ts": worker(
        "[a, b, c, d]",
        `import a from "a"; import b from "b"; import c from "c"; import d from "d";`,
      ),
      "node_modules/a/package.json": `{"exports": {"node": "./node.js", "workerd": "./workerd.js", "worker": "./worker.js", "default": "./browser.js"}}`,
      "node_modules/a/workerd.js": target("a-workerd"),
      "node_modules/a/worker.js": target("a-worker"),
      "node_modules/a/browser.js": target("a-browser"),
      "node_modules/b/package.json": `{"exports": {"worker": "./worker.js", "default": "./other.js"}}`,
      "node_modules/b/worker.js": target("b-worker"),
      "node_modules/b/other.js": target("b-other"),
      "node_modules/c/package.json": `{"main": "./main.js", "module": "./module.js", "browser": "./browser.js"}`,
      "node_modules/c/main.js": target("c-main"),
      "node_modules/c/module.js": target("c-module"),
      "node_modules/c/browser.js": target("c-browser"),
      "node_modules/d/package.json": `{"main": "./main.js", "module": "./module.js"}`,
      "node_modules/d/main.js": "module.exports = 'd-main'",
      "node_modules/d/module.js": target("d-module"),
    });
    const taken = (source: string) => [...source.matchAll(/= "([abcd]-\w+)"/g)].map(([, name]) => name);
    expect(taken(code((await build(dir)).bundle))).toEqual(["a-workerd", "b-worker", "c-browser", "d-module"]);
    const processEnv = { WRANGLER_BUILD_CONDITIONS: "worker", WRANGLER_BUILD_PLATFORM: "browser" };
    expect(taken(code((await build(dir, {}, { processEnv })).bundle))).toEqual([
      "a-worker",
      "b-worker",
      "c-browser",
      "d-module",
    ]);
  });

  it("defines NODE_ENV by mode, by the process environment, and by the config, in that order", async () => {
    const dir = project({
      "src/index.ts": worker(`[process.env.NODE_ENV, globalThis.process.env.NODE_ENV, VERSION, navigator.userAgent]`),
    });
    const values = async (...args: Parameters<typeof build> extends [string, ...infer Rest] ? Rest : never) =>
      JSON.parse(/Response\.json\((\[[^\]]*\])\)/s.exec(code((await build(dir, ...args)).bundle))![1]!);
    const define = { VERSION: '"1"' };
    expect(await values({ build: { define } })).toEqual(["production", "production", "1", "Cloudflare-Workers"]);
    expect(await values({ build: { define } }, { mode: "development" })).toEqual([
      "development",
      "development",
      "1",
      "Cloudflare-Workers",
    ]);
    expect(
      await values(
        { build: { define } },
        { processEnv: { NODE_ENV: "staging" }, overrides: { define: { VERSION: '"2"' } } },
      ),
    ).toEqual(["staging", "staging", "2", "Cloudflare-Workers"]);
    expect(await values({ build: { define: { ...define, "process.env.NODE_ENV": '"mine"' } } })).toEqual([
      "mine",
      "production",
      "1",
      "Cloudflare-Workers",
    ]);
  });

  it("leaves navigator alone where the runtime has none", async () => {
    const dir = project({ "src/index.ts": worker("navigator.userAgent") });
    expect(code((await build(dir, { compatibilityFlags: ["no_global_navigator"] })).bundle)).toContain(
      "navigator.userAgent",
    );
  });

  it("resolves an alias by its exact name, from the project and with the conditions of workers", async () => {
    const dir = project({
      "src/deep/index.ts": worker("[a, b]", `import a from "left"; import b from "left/sub";`),
      "stubs/left.ts": `export default "stub";`,
      "node_modules/left/package.json": `{"exports": {"./sub": "./sub.js", ".": "./index.js"}}`,
      "node_modules/left/sub.js": `export default "sub";`,
      "node_modules/left/index.js": `export default "real";`,
    });
    const result = code(
      (await build(dir, { main: "src/deep/index.ts", build: { alias: { left: "./stubs/left" } } })).bundle,
    );
    expect(result).toContain('"stub"');
    expect(result).toContain('"sub"');
    expect(result).not.toContain('"real"');
  });

  it("reads paths and JSX settings from the tsconfig named", async () => {
    const dir = project({
      "src/index.tsx": worker("<p>{name}</p>", `import { name } from "@lib/name";`),
      "lib/name.ts": `export const name = "n";`,
      "tsconfig.worker.json": `{"compilerOptions": {"paths": {"@lib/*": ["./lib/*"]}}}`,
    });
    const jsx = { jsxFactory: "h", jsxFragment: "Fragment" };
    const { bundle } = await build(dir, {
      main: "src/index.tsx",
      build: { tsconfig: path.join(dir, "tsconfig.worker.json"), ...jsx },
    });
    expect(code(bundle)).toContain('h("p", null, name)');
  });

  it("lets JavaScript hold JSX, and keeps syntax that V8 knows", async () => {
    const dir = project({
      "src/index.js": `const el = <br/>;\n${worker("[el, await (async () => { using x = null; return 1; })()]")}`,
    });
    const result = code((await build(dir, { main: "src/index.js" })).bundle);
    expect(result).toContain('React.createElement("br"');
    expect(result).toContain("using x = null");
  });

  it("minifies, and keeps names when asked", async () => {
    const dir = project({
      "src/index.ts": `export class LongName {}\nexport default { fetch() { return new Response(LongName.name) } };`,
    });
    const plain = await build(dir);
    const small = await build(dir, { build: { minify: true, keepNames: false } });
    expect(small.bundle.size).toBeLessThan(plain.bundle.size / 2);
    expect(code(plain.bundle)).toContain('"LongName"');
    expect(small.bundle.exports).toEqual(plain.bundle.exports);
  });

  it("names sources from the config's folder, without a root", async () => {
    const dir = project({
      "service/src/index.ts": worker("x", `import { x } from "../../shared/x";`),
      "shared/x.ts": "export const x: number = 1;",
    });
    const { bundle } = await build(path.join(dir, "service"));
    const map = JSON.parse(text(bundle.modules.find((module) => module.type === "sourcemap")));
    expect(map.sources).toEqual(["../shared/x.ts", "src/index.ts"]);
    expect(map.sourceRoot).toBeUndefined();
    const bare = await build(path.join(dir, "service"), {}, { sourceMaps: false });
    expect(bare.bundle.modules).toHaveLength(1);
    expect(code(bare.bundle)).not.toContain("sourceMappingURL");
  });

  it("gives a service of static assets a Worker that finds nothing", async () => {
    const dir = project({});
    const { createBundler } = await import("../../src/bundle/index.ts");
    const { environment } = await import("./helpers.ts");
    const bundler = await createBundler({ ...environment(dir), main: undefined });
    const { bundle } = await bundler.build();
    expect(bundle).toMatchObject({ format: "modules", mainModule: "index.js", exports: ["default"] });
    await bundler.dispose();
  });
});
