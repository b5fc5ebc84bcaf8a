/** Environments that no file mentions, options of loading, and what a load tells about files. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadWorkspace, resolveEnvironment } from "../../src/config/index.ts";

let dir: string;

const SHOP = `name = "shop"
main = "src/index.ts"
compatibility_date = "2026-11-01"
routes = ["example.com/*"]

[vars]
GREETING = "hello"

[[kv_namespaces]]
binding = "CACHE"
id = "cache"

[env.production]
protected = true

[env.staging.vars]
GREETING = "hi"
`;

beforeAll(async () => {
  dir = await realpath(await mkdtemp(path.join(tmpdir(), "troupe-resolve-")));
  await mkdir(path.join(dir, "src"));
  await writeFile(path.join(dir, "src/index.ts"), "");
  await writeFile(path.join(dir, "troupe.toml"), SHOP);
});

afterAll(() => rm(dir, { recursive: true }));

const load = async (more: Partial<Parameters<typeof loadWorkspace>[0]> = {}) =>
  (await loadWorkspace({ cwd: dir, processEnv: {}, ...more })).workspace;

describe("an environment that the file does not mention", () => {
  it("inherits everything but routes and protection, with editions of its own", async () => {
    const [service] = (await load()).services;
    const { environment, faults } = resolveEnvironment(service!, "pr-12");
    expect(faults.all).toEqual([]);
    expect(environment).toMatchObject({ name: "pr-12", scriptName: "shop-pr-12", routes: [], protected: false });
    const [greeting, cache] = environment.bindings;
    expect(greeting).toMatchObject({ entry: { value: "hello" }, origin: "inherited" });
    expect(cache!.resource).toEqual({ type: "kv", id: "cache@pr-12", name: "cache", edition: "pr-12" });
  });

  it("starts from another environment on request", async () => {
    const [service] = (await load()).services;
    const { environment } = resolveEnvironment(service!, "pr-12", "staging");
    expect(environment.bindings[0]).toMatchObject({ entry: { value: "hi" }, origin: "inherited" });
  });

  it("and one that it does mention comes out as it was loaded, from the stored source alone", async () => {
    const [service] = (await load()).services;
    const stored = JSON.parse(
      JSON.stringify({ name: service!.name, configPath: service!.configPath, source: service!.source }),
    );
    for (const name of ["production", "staging"]) {
      expect(resolveEnvironment(stored, name).environment).toEqual(service!.environments[name]);
    }
  });
});

describe("loading", () => {
  it("can be asked what an edit would mean", async () => {
    const texts = new Map([[path.join(dir, "troupe.toml"), SHOP.replace('"hello"', '"edited"')]]);
    expect((await load({ texts })).services[0]!.environments.production!.bindings[0]!.entry).toEqual({
      value: "edited",
    });
  });

  it("does not look at main when the command line names the entry", async () => {
    const texts = new Map([[path.join(dir, "troupe.toml"), SHOP.replace("src/index.ts", "src/gone.ts")]]);
    await expect(load({ texts })).rejects.toMatchObject({ code: "CONFIG" });
    await expect(load({ texts, mainGiven: true })).resolves.toBeDefined();
  });

  it("is plain data, but for nothing", async () => {
    const workspace = await load();
    expect(JSON.parse(JSON.stringify(workspace))).toEqual(workspace);
  });

  it("takes -c as a file or a folder, from the folder it runs in", async () => {
    const above = path.dirname(dir);
    for (const config of [path.basename(dir), path.join(path.basename(dir), "troupe.toml")]) {
      const workspace = await load({ cwd: above, config: [config] });
      expect(workspace).toMatchObject({ root: dir, current: "shop" });
    }
  });

  it("says what it looked for where there is no config", async () => {
    const empty = await realpath(await mkdtemp(path.join(tmpdir(), "troupe-empty-")));
    await expect(load({ cwd: empty })).rejects.toMatchObject({
      code: "CONFIG",
      message: `There is no config file in ${empty} or above it`,
      notes: [expect.stringContaining("wrangler.jsonc"), expect.stringContaining("troupe init")],
    });
    await rm(empty, { recursive: true });
  });

  it("reads CLOUDFLARE_ENV from .env for a project of Wrangler's, as Wrangler does", async () => {
    const project = await mkdtemp(path.join(dir, "wrangler-"));
    await writeFile(path.join(project, "index.ts"), "");
    await writeFile(
      path.join(project, "wrangler.toml"),
      'name = "w"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n[env.staging]\n',
    );
    await writeFile(path.join(project, ".env"), "CLOUDFLARE_ENV=staging\n");
    expect((await load({ cwd: project })).services[0]!.defaultEnvironment).toBe("staging");
    expect((await load({ cwd: project, processEnv: { CLOUDFLARE_ENV: "" } })).services[0]!.defaultEnvironment).toBe(
      "production",
    );
  });
});
