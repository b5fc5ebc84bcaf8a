import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { explainConfig, resolveConfig } from "../../src/ops/config.ts";

let dir: string;

const SHOP = `name = "shop"
main = "src/index.ts"
compatibility_date = "2026-11-01"

[vars]
GREETING = "hello"
COLOUR = "red"

[[kv_namespaces]]
binding = "CACHE"
id = "cache"

[env.staging]
vars = { GREETING = "hi" }

[env.preview]
extends = "staging"
unset = ["COLOUR"]
vars = { GREETING = "hey" }

[[env.preview.kv_namespaces]]
binding = "CACHE"
shared = true
`;

const MAIL = `{
  "name": "mail",
  "main": "src/index.ts",
  "compatibility_date": "2026-11-01",
  "triggers": null,
  "vars": { "FROM": "a@example.com" },
  "env": { "staging": {} }
}
`;

beforeAll(async () => {
  dir = await realpath(await mkdtemp(path.join(tmpdir(), "troupe-explain-")));
  for (const [folder, file, text] of [
    [".", "troupe.toml", '[workspace]\nmembers = ["shop", "mail"]\n'],
    ["shop", "troupe.toml", SHOP],
    ["mail", "wrangler.jsonc", MAIL],
  ] as const) {
    await mkdir(path.join(dir, folder, "src"), { recursive: true });
    await writeFile(path.join(dir, folder, "src/index.ts"), "");
    await writeFile(path.join(dir, folder, file), text);
  }
});

afterAll(() => rm(dir, { recursive: true }));

async function explained(key: string, env?: string, folder = "shop") {
  const { explanations } = await explainConfig({ cwd: path.join(dir, folder), env, processEnv: {} }, key);
  return explanations;
}

describe("config explain", () => {
  it("says what wrote a value, through two environments, and what it took the place of", async () => {
    const [explanation] = await explained("vars.GREETING", "preview");
    expect(explanation).toMatchObject({
      service: "shop",
      for: "preview",
      key: "vars.GREETING",
      written: true,
      value: "hey",
      environment: "preview",
      inherited: false,
      location: { file: path.join(dir, "shop/troupe.toml"), line: 19, column: 10 },
      overridden: [
        { value: "hi", environment: "staging", location: { line: 14 } },
        { value: "hello", environment: "production", location: { line: 6 } },
      ],
    });
  });

  it("says that a value is inherited", async () => {
    const [explanation] = await explained("compatibility_date", "staging");
    expect(explanation).toMatchObject({ inherited: true, environment: "production", location: { line: 3, column: 1 } });
  });

  it("explains every value of a table", async () => {
    const keys = (await explained("vars", "staging")).map(({ key, inherited }) => [key, inherited]);
    expect(keys).toEqual([
      ["vars.GREETING", false],
      ["vars.COLOUR", true],
    ]);
  });

  it("knows bindings by their names, and the resource they lead to", async () => {
    const staging = await explained("CACHE", "staging");
    expect(staging.map(({ key }) => key)).toEqual(["kv_namespaces.CACHE.binding", "kv_namespaces.CACHE.id"]);
    expect(staging[1]).toMatchObject({
      value: "cache",
      inherited: true,
      origin: "inherited",
      resource: { id: "cache@staging" },
    });
    const preview = await explained("CACHE", "preview");
    expect(preview.at(-1)).toMatchObject({
      key: "kv_namespaces.CACHE.shared",
      origin: "shared",
      resource: { id: "cache" },
    });
  });

  it("says what was unset, and what Wrangler's environments do not inherit", async () => {
    const [unset] = await explained("vars.COLOUR", "preview");
    expect(unset).toMatchObject({
      written: false,
      note: expect.stringMatching(/production has it, but preview does not inherit it.*:7$/),
    });
    const [dropped] = await explained("FROM", "staging", "mail");
    expect(dropped!.note).toMatch(/Wrangler's environments do not inherit it.*wrangler\.jsonc:6$/);
  });

  it("gives the default of a known key that nobody wrote", async () => {
    expect((await explained("keep_names"))[0]).toMatchObject({ written: false, value: true });
    expect((await explained("logpush"))[0]).toMatchObject({ written: false, note: "not written" });
  });

  it("guesses what a mistyped key was meant to be", async () => {
    await expect(explained("vars.GREETINGS")).rejects.toMatchObject({
      code: "NOT_FOUND",
      notes: ['did you mean "vars.GREETING"?'],
    });
  });

  it("asks every service at the workspace's root, and minds only if none knows the key", async () => {
    expect((await explained("main", undefined, ".")).map(({ service }) => service)).toEqual(["shop", "mail"]);
    expect((await explained("CACHE", undefined, ".")).map(({ service }) => service)).toEqual(["shop", "shop"]);
    await expect(explained("NOTHING", undefined, ".")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("config", () => {
  it("gives everything that is written and inherited, in the file's own keys", async () => {
    const { services } = await resolveConfig({ cwd: path.join(dir, "shop"), env: "preview", processEnv: {} });
    expect(services).toEqual([
      {
        service: "shop",
        environment: "preview",
        dialect: "troupe",
        file: path.join(dir, "shop/troupe.toml"),
        scriptName: "shop-preview",
        environments: ["production", "staging", "preview"],
        config: {
          name: "shop",
          main: "src/index.ts",
          compatibility_date: "2026-11-01",
          vars: { GREETING: "hey" },
          kv_namespaces: [{ binding: "CACHE", id: "cache", shared: true }],
        },
        bindings: [
          { name: "GREETING", kind: "var", describe: '"hey"', origin: "own" },
          {
            name: "CACHE",
            kind: "kv",
            describe: "cache",
            origin: "shared",
            resource: { type: "kv", id: "cache", name: "cache" },
          },
        ],
      },
    ]);
  });

  it("leaves JSON's nulls out", async () => {
    const { services } = await resolveConfig({ cwd: path.join(dir, "mail"), processEnv: {} });
    expect(services[0]!.config).not.toHaveProperty("triggers");
  });
});
