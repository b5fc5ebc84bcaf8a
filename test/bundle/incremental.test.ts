import { rmSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { type Bundler, createBundler } from "../../src/bundle/index.ts";
import { code, environment, listing, type Overrides, project, removeProjects, worker, write } from "./helpers.ts";

afterAll(removeProjects);

const bundlers: Bundler[] = [];
afterEach(async () => {
  for (const bundler of bundlers.splice(0)) await bundler.dispose();
});

async function bundlerOf(dir: string, overrides?: Overrides): Promise<Bundler> {
  const bundler = await createBundler(environment(dir, overrides));
  bundlers.push(bundler);
  return bundler;
}

/** What a watcher would report, going by what the bundler says to watch; fails if it would not have noticed. */
function save(bundler: Bundler, dir: string, name: string, contents: string): string[] {
  const file = path.join(dir, name);
  const { inputs, folders } = bundler.watched;
  expect(inputs.includes(file) || folders.some((folder) => file.startsWith(folder)), `${name} should be watched`).toBe(
    true,
  );
  write(dir, { [name]: contents });
  return [file];
}

describe("building again", () => {
  it("shows changes of code, of modules, and of packages, and comes back to the same hash", async () => {
    const dir = project({
      "src/index.ts": worker("[a, t, p]", `import { a } from "./a"; import t from "./t.txt"; import p from "pkg";`),
      "src/a.ts": `export const a = "one";`,
      "src/t.txt": "text",
      "node_modules/pkg/index.js": "module.exports = 'old';",
    });
    const bundler = await bundlerOf(dir);
    const first = await bundler.build();
    await bundler.build(save(bundler, dir, "src/a.ts", `export const a = "two";`));
    await bundler.build(save(bundler, dir, "src/t.txt", "other"));
    const changed = await bundler.build(save(bundler, dir, "node_modules/pkg/index.js", "module.exports = 'new';"));
    expect(code(changed.bundle)).toMatch(/"new"[\s\S]*"two"/);
    expect(listing(changed.bundle)).toHaveLength(2);
    expect(changed.bundle.contentHash).not.toBe(first.bundle.contentHash);

    write(dir, {
      "src/a.ts": `export const a = "one";`,
      "src/t.txt": "text",
      "node_modules/pkg/index.js": "module.exports = 'old';",
    });
    expect((await bundler.build()).bundle.contentHash).toBe(first.bundle.contentHash);
  });

  it("forgets files that are no longer imported", async () => {
    const dir = project({
      "src/index.ts": worker("[a, t]", `import { a } from "./a"; import t from "./t.txt";`),
      "src/a.ts": "export const a = 1;",
      "src/t.txt": "T",
    });
    const bundler = await bundlerOf(dir);
    await bundler.build();
    const { bundle, inputs } = await bundler.build(save(bundler, dir, "src/index.ts", worker("1")));
    expect(listing(bundle)).toEqual(["index.js esm"]);
    expect(inputs).toEqual([path.join(dir, "src/index.ts")]);
  });

  it("sees new additional modules, and the folder they come into is watched", async () => {
    const dir = project({ "src/index.ts": worker("1"), "src/a.mjs": "export default 1;" });
    const bundler = await bundlerOf(dir, {
      build: { findAdditionalModules: true, rules: [{ type: "ESModule", globs: ["**/*.mjs"] }] },
    });
    await bundler.build();
    const { bundle } = await bundler.build(save(bundler, dir, "src/new/b.mjs", "export default 2;"));
    expect(listing(bundle)).toEqual(["index.js esm", "a.mjs esm", "new/b.mjs esm"]);
  });

  it("reads a changed tsconfig", async () => {
    const dir = project({
      "src/index.ts": worker("x", `import x from "@x";`),
      "one.ts": "export default 'one';",
      "two.ts": "export default 'two';",
      "tsconfig.json": `{"extends": "./base.json" /* comments are allowed */}`,
      "base.json": `{"compilerOptions": {"paths": {"@x": ["./one"]}}}`,
    });
    const bundler = await bundlerOf(dir);
    expect(code((await bundler.build()).bundle)).toContain("one_default");
    const { bundle } = await bundler.build(
      save(bundler, dir, "base.json", `{"compilerOptions": {"paths": {"@x": ["./two"]}}}`),
    );
    expect(code(bundle)).toContain("two_default");
  });

  it("changes its mind about the format", async () => {
    const dir = project({ "src/index.ts": `addEventListener("fetch", () => {});` });
    const bundler = await bundlerOf(dir);
    const formats = [(await bundler.build()).bundle.format];
    for (const source of [worker("1"), `addEventListener("fetch", () => {}); // again`, worker("2")]) {
      formats.push((await bundler.build(save(bundler, dir, "src/index.ts", source))).bundle.format);
    }
    expect(formats).toEqual(["service-worker", "modules", "service-worker", "modules"]);
  });

  it("runs builds of one bundler one after another", async () => {
    const dir = project({ "src/index.ts": worker("1") });
    const bundler = await bundlerOf(dir);
    const results = await Promise.all([bundler.build(), bundler.build(), bundler.build()]);
    expect(new Set(results.map(({ bundle }) => bundle.contentHash)).size).toBe(1);
  });

  it("can be disposed of twice, while it builds, and then builds no more", async () => {
    const dir = project({ "src/index.ts": worker("1") });
    const bundler = await bundlerOf(dir);
    const building = bundler.build();
    await Promise.all([bundler.dispose(), bundler.dispose()]);
    await building.catch(() => {});
    await expect(bundler.build()).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
});

describe("after a failed build", () => {
  it("a first one: every file it came to is watched, so that any can mend it", async () => {
    const dir = project({
      "src/index.ts": worker("a", `import { a } from "./a";`),
      "src/a.ts": `import { a as inner } from "./b"; export const a = inner; import t from "./t.txt"; console.log(t);`,
      "src/b.ts": "export const b = 1;",
      "src/t.txt": "T",
    });
    const bundler = await bundlerOf(dir);
    expect(bundler.watched.inputs).toContain(path.join(dir, "src/index.ts"));
    await expect(bundler.build()).rejects.toMatchObject({ code: "BUILD" });
    expect(bundler.watched.inputs).toContain(path.join(dir, "src/t.txt"));
    await bundler.build(save(bundler, dir, "src/b.ts", "export const a = 1;"));
  });

  it("files that were looked for are watched: a module, a text, a package, main itself", async () => {
    const dir = project({
      "src/index.ts": worker("[a, t, p]", `import { a } from "./lib/a"; import t from "./t.txt"; import p from "pkg";`),
      "package.json": "{}",
    });
    const bundler = await bundlerOf(dir);
    await expect(bundler.build()).rejects.toMatchObject({ diagnostics: { length: 3 } });
    await expect(bundler.build(save(bundler, dir, "src/lib/a.ts", "export const a = 1;"))).rejects.toMatchObject({
      diagnostics: { length: 2 },
    });
    await expect(bundler.build(save(bundler, dir, "src/t.txt", "T"))).rejects.toMatchObject({
      diagnostics: { length: 1 },
    });
    save(bundler, dir, "node_modules/pkg/package.json", "{}");
    write(dir, { "node_modules/pkg/index.js": "module.exports = 1;" });
    await bundler.build();

    rmSync(path.join(dir, "src/index.ts"));
    await expect(bundler.build()).rejects.toMatchObject({ message: "main does not exist: src/index.ts" });
    await bundler.build(save(bundler, dir, "src/index.ts", worker("1")));
  });

  it("a later one keeps watching what the last good one read", async () => {
    const dir = project({ "src/index.ts": worker("a", `import { a } from "./a";`), "src/a.ts": "export const a = 1;" });
    const bundler = await bundlerOf(dir);
    await bundler.build();
    await expect(bundler.build(save(bundler, dir, "src/index.ts", "export default {"))).rejects.toMatchObject({
      code: "BUILD",
    });
    expect(bundler.watched.inputs).toContain(path.join(dir, "src/a.ts"));
    await bundler.build(save(bundler, dir, "src/index.ts", worker("1")));
  });
});
