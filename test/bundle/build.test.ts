/** `troupe build`: config files in, folders of modules out. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { TroupeError } from "../../src/errors.ts";
import { type BuildOptions, buildServices } from "../../src/ops/build.ts";
import { project, removeProjects, worker, write } from "./helpers.ts";

afterAll(removeProjects);

const workspace = {
  "troupe.toml": `[workspace]\nmembers = ["services/*"]\n`,
  "services/api/troupe.toml": `name = "api"\nmain = "src/index.ts"\ncompatibility_date = "2026-01-01"\n\n[define]\nSTAGE = "'production'"\n\n[env.staging.define]\nSTAGE = "'staging'"\n`,
  "services/api/src/index.ts": worker("[t, STAGE]", `import t from "./t.txt";`),
  "services/api/src/t.txt": "T",
  "services/old/wrangler.toml": `name = "old"\nmain = "index.js"\ncompatibility_date = "2026-01-01"\n`,
  "services/old/index.js": `addEventListener("fetch", () => {});`,
};

function run(cwd: string, options: Partial<BuildOptions> = {}) {
  return buildServices({ cwd, processEnv: {}, ...options });
}

function files(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name))).sort();
}

describe("building a workspace", () => {
  it("writes each service's modules into a folder of its name, and says what they are", async () => {
    const dir = project(workspace);
    const { services, warnings } = await run(dir);
    expect(warnings).toEqual([]);
    expect(services).toMatchObject([
      {
        service: "api",
        environment: "production",
        format: "modules",
        mainModule: "index.js",
        exports: ["default"],
        outDir: path.join(dir, "dist/api"),
      },
      { service: "old", environment: "production", format: "service-worker", mainModule: "index.js", exports: [] },
    ]);
    expect(services[0]!.modules.map(({ type }) => type)).toEqual(["esm", "text", "sourcemap"]);
    expect(files(path.join(dir, "dist"))).toEqual(
      services
        .flatMap(({ service, modules }) =>
          [".troupe-build.json", ...modules.map(({ name }) => name)].map((name) => `${service}/${name}`),
        )
        .sort(),
    );
    expect(services[0]!.size).toBe(
      services[0]!.modules.filter(({ type }) => type !== "sourcemap").reduce((sum, { size }) => sum + size, 0),
    );
  });

  it("builds the service it stands in, another environment, another folder, minified", async () => {
    const dir = project(workspace);
    const cwd = path.join(dir, "services/api");
    const plain = await run(cwd, { env: "staging", outDir: "../out" });
    expect(plain.services.map(({ service, environment }) => [service, environment])).toEqual([["api", "staging"]]);
    const main = path.join(dir, "services/out/api/index.js");
    expect(readFileSync(main, "utf8")).toContain('"staging"');
    const small = await run(cwd, { outDir: "../out", overrides: { minify: true } });
    expect(small.services[0]!.size).toBeLessThan(plain.services[0]!.size);
    expect(small.services[0]!.contentHash).not.toBe(plain.services[0]!.contentHash);
  });

  it("removes what it wrote before and makes no more, and nothing else", async () => {
    const dir = project(workspace);
    await run(dir, { service: ["api"] });
    write(dir, { "dist/api/mine.txt": "kept", "services/api/src/t.txt": "changed" });
    const before = files(path.join(dir, "dist/api"));
    await run(dir, { service: ["api"] });
    const after = files(path.join(dir, "dist/api"));
    expect(after).toHaveLength(before.length);
    expect(after.filter((name) => !before.includes(name))).toEqual([expect.stringMatching(/-t\.txt$/)]);
    expect(after).toContain("mine.txt");
  });

  it("never writes over a source", async () => {
    const dir = project(workspace);
    const error = await run(dir, { outDir: "services" }).catch((thrown) => thrown);
    expect(error).toMatchObject({
      code: "CONFLICT",
      message: `The build would write over its own source ${path.join(dir, "services/old/index.js")}`,
    });
    expect(existsSync(path.join(dir, "services/api/index.js"))).toBe(false);
  });

  it("reports the errors of all services at once, and writes nothing", async () => {
    const dir = project({
      ...workspace,
      "services/api/src/index.ts": "export default {",
      "services/old/index.js": `import "./gone.js"; addEventListener("fetch", () => {});`,
    });
    const error = await run(dir).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(TroupeError);
    expect(error).toMatchObject({ code: "BUILD", message: "Building 2 services failed: api, old" });
    expect(
      error.diagnostics.map(({ location }: { location: { file: string } }) => path.basename(location.file)),
    ).toEqual(["index.ts", "index.js"]);
    expect(existsSync(path.join(dir, "dist"))).toBe(false);
  });

  it("points at the setting that is wrong", async () => {
    const config = `name = "api"\nmain = "src/index.ts"\ncompatibility_date = "2026-01-01"\n\n[define]\nSTAGE = "no string"\n`;
    const dir = project({ ...workspace, "services/api/troupe.toml": config });
    await expect(run(dir, { service: ["api"] })).rejects.toMatchObject({
      message: "define of STAGE is no name and no JavaScript literal: no string",
      location: { file: path.join(dir, "services/api/troupe.toml"), line: 6, column: 9 },
    });
  });

  it("stops when asked to", async () => {
    const dir = project({
      "wrangler.toml": `name = "slow"\nmain = "index.js"\ncompatibility_date = "2026-01-01"\nbuild = { command = "sleep 60" }\n`,
      "index.js": worker("1"),
    });
    const abort = new AbortController();
    const building = run(dir, { signal: abort.signal });
    abort.abort();
    await expect(building).rejects.toBeInstanceOf(TroupeError);
  });
});
