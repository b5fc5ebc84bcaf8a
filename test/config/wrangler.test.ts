/** Our reading of wrangler.* files against Wrangler's own. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { BINDING_KINDS } from "../../src/bindings/index.ts";
import { loadWorkspace } from "../../src/config/index.ts";
import { BINDING_GROUPS, SETTING_KEYS } from "../../src/config/keys.ts";
import { type Diagnostic, TroupeError } from "../../src/errors.ts";
import type { Environment } from "../../src/model.ts";
import { SAMPLES } from "./wrangler-samples.ts";

type Json = Record<string, unknown>;

const BASE = { name: "shop", main: "src/index.ts", compatibility_date: "2026-11-01" };

let dir: string;
let readConfig: typeof import("wrangler").unstable_readConfig;

beforeAll(async () => {
  dir = await realpath(await mkdtemp(path.join(tmpdir(), "troupe-wrangler-")));
  await mkdir(path.join(dir, "src/deep"), { recursive: true });
  await writeFile(path.join(dir, "src/index.ts"), "");
  await writeFile(path.join(dir, "src/other.ts"), "");
  vi.stubEnv("WRANGLER_SEND_METRICS", "false");
  vi.stubEnv("CLOUDFLARE_ENV", undefined);
  ({ unstable_readConfig: readConfig } = await import("wrangler"));
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

afterEach(() => {
  vi.restoreAllMocks();
});

interface Reading {
  config?: Json;
  error?: string;
  warnings: string;
}

/** What Wrangler makes of a file. */
function wranglers(file: string, env?: string): Reading {
  const said: string[] = [];
  for (const method of ["warn", "log", "info", "error"] as const) {
    vi.spyOn(console, method).mockImplementation((...words) => void said.push(words.join(" ")));
  }
  try {
    return {
      config: readConfig({ config: file, env }) as unknown as Json,
      warnings: stripVTControlCharacters(said.join("\n")),
    };
  } catch (error) {
    return { error: stripVTControlCharacters((error as Error).message) || "error", warnings: "" };
  } finally {
    vi.restoreAllMocks();
  }
}

interface OurReading {
  environment?: Environment;
  error?: TroupeError;
  warnings: Diagnostic[];
}

async function ours(file: string, env?: string): Promise<OurReading> {
  try {
    const { workspace, warnings } = await loadWorkspace({ cwd: dir, config: [file], env, processEnv: {} });
    const [service] = workspace.services;
    return { environment: service!.environments[service!.defaultEnvironment]!, warnings };
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error;
    return { error, warnings: [] };
  }
}

async function write(config: Json, name = "wrangler.json"): Promise<string> {
  const file = path.join(dir, name);
  await writeFile(file, JSON.stringify(config));
  return file;
}

/** The model written back in Wrangler's keys, as far as the file wrote them. */
function asWrangler(environment: Environment): Json {
  const { build } = environment;
  const relative = (file: string | undefined) => file && path.relative(process.cwd(), file);
  const files = (named: Record<string, string>) =>
    Object.fromEntries(Object.entries(named).map(([name, file]) => [name, relative(file)]));
  const modelled: Json = {
    name: environment.scriptName,
    main: environment.main,
    compatibility_date: environment.compatibilityDate,
    compatibility_flags: environment.compatibilityFlags,
    workers_dev: environment.workersDev,
    migrations: environment.migrations,
    rules: build.rules,
    define: build.define,
    alias: build.alias,
    base_dir: build.baseDir,
    tsconfig: relative(build.tsconfig),
    jsx_factory: build.jsxFactory,
    jsx_fragment: build.jsxFragment,
    no_bundle: build.noBundle,
    minify: build.minify,
    keep_names: build.keepNames,
    find_additional_modules: build.findAdditionalModules,
    preserve_file_names: build.preserveFileNames,
    upload_source_maps: build.uploadSourceMaps,
    wasm_modules: files(build.wasmModules),
    text_blobs: files(build.textBlobs),
    data_blobs: files(build.dataBlobs),
    build: build.custom && { command: build.custom.command, watch_dir: build.custom.watchDir.map(relative) },
  };
  return { ...environment.settings, ...modelled, ...bindingsAsWritten(environment) };
}

function bindingsAsWritten({ bindings, settings }: Environment): Json {
  const config: Json = {};
  for (const kind of BINDING_KINDS) {
    for (const { path: keys, form } of kind.keys) {
      const own = bindings.filter((binding) => binding.kind === kind.id);
      const entries = own.map(({ entry }) => entry);
      const value =
        form === "list"
          ? entries
          : form === "single"
            ? entries[0]
            : form === "names"
              ? own.map(({ name }) => name)
              : Object.fromEntries(own.map(({ name, entry }) => [name, entry.value]));
      if (own.length === 0) continue;
      const [top, below] = keys as [string, string?];
      config[top] = below ? { ...(settings[top] as Json), ...(config[top] as Json), [below]: value } : value;
    }
  }
  return config;
}

/** Wrangler's value of a key without what it adds by default. */
function written(key: string, value: unknown): unknown {
  if (key === "build") {
    const { command, watch_dir } = value as { command?: string; watch_dir?: string | string[] };
    return command === undefined ? undefined : { command, watch_dir: [watch_dir].flat() };
  }
  if (key === "dev") return { port: (value as Json).port, ip: (value as Json).ip };
  if (key === "site") return { bucket: (value as Json | undefined)?.bucket };
  return value;
}

/** Nothing, in the ways that the two sides say it. */
function nothing(value: unknown): boolean {
  if (value === undefined || value === false) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).every(nothing);
}

function expectSame(key: string, config: Json, environment: Environment): void {
  if (key === "route" || key === "routes") {
    const routes = [(config.routes as unknown[]) ?? [], config.route ?? []].flat();
    const expected = routes.map((route) => (typeof route === "string" ? route : (route as Json).pattern));
    expect(environment.routes.map(({ pattern }) => pattern)).toEqual(expected);
    return;
  }
  const theirs = written(key, config[key]);
  const mine = key === "name" ? environment.scriptName : asWrangler(environment)[key];
  // Wrangler's defaults where a key is not written; ours are the same or the targets'.
  const unwritten = environment.written[key] === undefined && !["name", "main"].includes(key);
  if (unwritten && key !== "name") {
    if (SETTING_KEYS[key] && !["define", "alias"].includes(key)) return;
    expect(nothing(mine), `${key} is there: ${JSON.stringify(mine)}`).toBe(true);
    expect(nothing(theirs), `${key} is Wrangler's: ${JSON.stringify(theirs)}`).toBe(true);
    return;
  }
  if (nothing(mine) && nothing(theirs)) return;
  // Fields that Wrangler fills in by itself.
  expect(mine).toEqual(
    Array.isArray(theirs) && Array.isArray(mine) ? theirs.map((each, i) => pick(each, mine[i])) : theirs,
  );
}

/** Of an entry of Wrangler's the fields that ours has, so that its defaults don't count. */
function pick(theirs: unknown, mine: unknown): unknown {
  if (typeof theirs !== "object" || theirs === null || typeof mine !== "object" || mine === null) return theirs;
  return Object.fromEntries(Object.entries(theirs).filter(([key]) => key in mine));
}

const keys = Object.keys(SAMPLES);

describe("every key of Wrangler's", () => {
  it("is known, in the class that it has there", async () => {
    const ours = [...Object.keys(SETTING_KEYS).filter((key) => SETTING_KEYS[key]!.wrangler), ...BINDING_GROUPS.keys()];
    expect(ours.sort()).toEqual([...keys, "name", "env", "pages_build_output_dir"].sort());
  });

  describe.each(keys)("%s", (key) => {
    const [top, own] = SAMPLES[key]!;

    it.each([
      ["at the top level", { ...BASE, [key]: top, env: { staging: {} } }, undefined],
      ["in an environment that does not write it", { ...BASE, [key]: top, env: { staging: {} } }, "staging"],
      ["in an environment that does", { ...BASE, [key]: top, env: { staging: { [key]: own } } }, "staging"],
    ])("%s", async (_, config, env) => {
      const file = await write(config);
      const theirs = wranglers(file, env);
      const mine = await ours(file, env);
      expect(mine.error?.diagnostics).toBeUndefined();
      expect(theirs.error).toBeUndefined();
      for (const each of [key, "name", "main"]) expectSame(each, theirs.config!, mine.environment!);

      const notInherited = theirs.warnings.includes(`"${key}" exists at the top level, but not on`);
      expect(mine.warnings.some(({ code }) => code === "not-inherited")).toBe(notInherited);
      const unexpected = theirs.warnings.includes("Unexpected fields found");
      expect(mine.warnings.some(({ code }) => code === "unknown-key")).toBe(unexpected);
    });
  });
});

describe("what Wrangler refuses", () => {
  const values = [42, "x", true, ["x"], { x: 1 }, null];
  // Wrangler wants a list there, which we take for empty.
  const milder: Record<string, unknown[]> = { logfwdr: [{ x: 1 }], connect: [null] };

  it.each(Object.keys(SAMPLES))("is refused here too: wrong values of %s", async (key) => {
    for (const value of values) {
      if (milder[key]?.some((each) => JSON.stringify(each) === JSON.stringify(value))) continue;
      const file = await write({ ...BASE, [key]: value });
      const { error } = wranglers(file);
      if (error === undefined) continue;
      expect((await ours(file)).error?.code, `${key} = ${JSON.stringify(value)}: ${error}`).toBe("CONFIG");
    }
  });

  it.each<[string, Json, string?]>([
    ["legacy_env", { ...BASE, legacy_env: true }],
    ["node_compat", { ...BASE, node_compat: true }],
    ["a name in capitals", { ...BASE, name: "Shop" }],
    ["an environment's name in capitals", { ...BASE, env: { a: { name: "Shop" } } }, "a"],
    ["a name that is null", { ...BASE, name: null }],
    ["migrations beside exports", { ...BASE, migrations: SAMPLES.migrations![0], exports: SAMPLES.exports![0] }],
    ["one name for two kinds", { ...BASE, vars: { A: "x" }, kv_namespaces: [{ binding: "A", id: "a" }] }],
    [
      "one name twice",
      {
        ...BASE,
        r2_buckets: [
          { binding: "A", bucket_name: "aaa" },
          { binding: "A", bucket_name: "bbb" },
        ],
      },
    ],
    ["a secret named like a variable", { ...BASE, vars: { A: "x" }, secrets: { required: ["A"] } }],
    ["a global named like a variable", { ...BASE, vars: { A: "x" }, text_blobs: { A: "a.txt" } }],
    ["route beside routes", { ...BASE, route: "a.com/*", routes: ["a.com/*"] }],
    ["a mistake in the environment in use", { ...BASE, env: { a: { vars: 1 } } }, "a"],
    ["an environment that is not there", { ...BASE, env: { a: {} } }, "b"],
    ["a service binding without a service", { ...BASE, services: [{ binding: "A" }] }],
    ["a date that is none", { ...BASE, compatibility_date: "soon" }],
    ["observability that says nothing", { ...BASE, observability: {} }],
  ])("is refused here too: %s", async (_, config, env) => {
    const file = await write(config);
    expect(wranglers(file, env).error).toBeDefined();
    expect((await ours(file, env)).error).toBeDefined();
  });

  it.each<[string, Json, string?]>([
    ["unknown keys", { ...BASE, what: 1, vars: {}, kv_namespaces: [{ binding: "A", id: "a", what: 1 }] }],
    ["a mistake in an environment not in use", { ...BASE, env: { a: { vars: 1 } } }],
    ["an environment where there is none at all", { ...BASE, vars: { A: "x" } }, "b"],
    ["an empty environment name", { ...BASE, env: { a: {} } }, ""],
    ["an environment named production", { ...BASE, env: { production: { vars: { A: "x" } } } }, "production"],
    ["an environment with a name of its own", { ...BASE, env: { a: { name: "renamed" } } }, "a"],
    ["an empty id", { ...BASE, d1_databases: [{ binding: "A", database_id: "", database_name: "a" }] }],
    ["an empty route and account", { ...BASE, route: "", account_id: "" }],
    [
      "bindings without ids",
      { ...BASE, kv_namespaces: [{ binding: "A" }], d1_databases: [{ binding: "B" }], r2_buckets: [{ binding: "C" }] },
    ],
  ])("and what it takes is taken: %s", async (_, config, env) => {
    const file = await write(config);
    const theirs = wranglers(file, env);
    const mine = await ours(file, env);
    expect(theirs.error).toBeUndefined();
    expect(mine.error?.diagnostics).toBeUndefined();
    expect(mine.environment!.scriptName).toBe(theirs.config!.name);
    expect(nothing(theirs.config!.vars) ? {} : theirs.config!.vars).toEqual(
      bindingsAsWritten(mine.environment!).vars ?? {},
    );
  });
});

describe("which file Wrangler reads", () => {
  const names = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

  it.each([[names], [["wrangler.toml", "wrangler.jsonc"]], [["wrangler.toml"]]])(
    "of %j in one folder",
    async (present) => {
      const folder = await realpath(await mkdtemp(path.join(tmpdir(), "troupe-pick-")));
      await writeFile(path.join(folder, "index.ts"), "");
      for (const name of present) {
        const config = { ...BASE, name: name.replace(".", "-") };
        await writeFile(
          path.join(folder, name),
          name.endsWith("toml")
            ? `name = "${config.name}"\nmain = "index.ts"\n`
            : JSON.stringify({ ...config, main: "index.ts" }),
        );
      }
      vi.spyOn(process, "cwd").mockReturnValue(folder);
      const theirs = readConfig({}, { hideWarnings: true } as never).name;
      const { workspace } = await loadWorkspace({ cwd: folder, processEnv: {} });
      expect(workspace.services[0]!.name).toBe(theirs);
      await rm(folder, { recursive: true });
    },
  );

  it("follows a redirect to the same file, with the same environment", async () => {
    const folder = await mkdtemp(path.join(dir, "redirect-"));
    await mkdir(path.join(folder, ".wrangler/deploy"), { recursive: true });
    await mkdir(path.join(folder, "dist/assets"), { recursive: true });
    await writeFile(path.join(folder, "wrangler.json"), JSON.stringify({ ...BASE, env: { staging: {} } }));
    await writeFile(path.join(folder, ".wrangler/deploy/config.json"), '{"configPath": "../../dist/wrangler.json"}');
    await writeFile(path.join(folder, "dist/index.js"), "");
    const generated = {
      ...BASE,
      name: "shop-staging",
      main: "index.js",
      no_bundle: true,
      topLevelName: "shop",
      definedEnvironments: ["staging"],
      targetEnvironment: "staging",
      legacy_env: true,
    };
    await writeFile(path.join(folder, "dist/wrangler.json"), JSON.stringify(generated));
    vi.spyOn(process, "cwd").mockReturnValue(folder);
    vi.spyOn(console, "info").mockImplementation(() => {});
    vi.spyOn(console, "log").mockImplementation(() => {});
    const theirs = readConfig({}, { useRedirectIfAvailable: true });
    const { workspace, warnings } = await loadWorkspace({ cwd: folder, processEnv: {} });
    const [service] = workspace.services;
    const environment = service!.environments[service!.defaultEnvironment]!;
    expect(warnings).toEqual([]);
    expect(environment.scriptName).toBe(theirs.name);
    expect(environment.main).toBe(theirs.main);
    expect(environment.name).toBe(theirs.targetEnvironment);
    expect(service!.name).toBe(theirs.topLevelName);
    expect(environment.userDir).toBe(path.dirname(theirs.userConfigPath!));
    expect(() => readConfig({ env: "other" }, { useRedirectIfAvailable: true })).toThrow();
    await expect(loadWorkspace({ cwd: folder, env: "other", processEnv: {} })).rejects.toThrow(/built for "staging"/);
  });
});
