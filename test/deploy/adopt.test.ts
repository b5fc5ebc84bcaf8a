/** `troupe adopt`: Wrangler projects become services with environments. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { CliOptions } from "../support/cli.ts";
import { testFolder, writeFiles } from "../support/files.ts";
import { troupeHere as troupe, troupeJsonHere as troupeJson } from "../support/here.ts";

interface Adopted {
  root: string;
  services: {
    service: string;
    environments: { name: string; scriptName: string; config: string; made: boolean }[];
  }[];
  written?: { file: string; text: string };
  deployments: { service: string; environment: string; version: number }[];
}

interface Active {
  active?: { environment: { bindings: { name: string; entry: { value?: string; id?: string } }[] } };
}

const CODE = "export default { fetch: (request, env) => new Response(env.WHO) };\n";

function config(name: string, who: string, more = ""): string {
  return `name = "${name}"
main = "index.js"
compatibility_date = "2026-11-01"
${more}
[vars]
WHO = "${who}"

[[kv_namespaces]]
binding = "KV"
id = "${who}-kv"
`;
}

const STAGING = '[env.staging.vars]\nWHO = "staging"\n';

async function adopted(args: string[], options: CliOptions): Promise<string[]> {
  const { services } = await troupeJson<Adopted>(["adopt", ...args], options);
  return services.flatMap(({ service, environments }) =>
    environments.map(({ name, scriptName, made }) => `${service}@${name} ${scriptName}${made ? "" : " (there)"}`),
  );
}

async function listed(options: CliOptions): Promise<string[]> {
  const { environments } = await troupeJson<{ environments: { service: string; name: string; version?: number }[] }>(
    ["env", "list"],
    options,
  );
  return environments.map(({ service, name, version }) => `${service}@${name} ${version ?? "-"}`).sort();
}

async function bound(service: string, environment: string, options: CliOptions): Promise<Record<string, string>> {
  const { active } = await troupeJson<Active>(["env", "show", environment, "--service", service], options);
  return Object.fromEntries(
    active!.environment.bindings.map(({ name, entry }) => [name, String(entry.value ?? entry.id)]),
  );
}

describe("one project", () => {
  test("its [env.*] are environments that all verbs work on, and no file is written", async () => {
    const cwd = testFolder({ "wrangler.toml": `${config("shop", "production")}\n${STAGING}`, "index.js": CODE });
    expect(await adopted(["--dry-run"], { cwd })).toEqual(["shop@production shop", "shop@staging shop-staging"]);
    expect(existsSync(path.join(cwd, ".troupe"))).toBe(false);

    expect(await adopted([], { cwd })).toEqual(["shop@production shop", "shop@staging shop-staging"]);
    expect(readdirSync(cwd).sort()).toEqual([".troupe", "index.js", "wrangler.toml"]);
    expect(readFileSync(path.join(cwd, ".troupe/.gitignore"), "utf8")).toBe("*\n");
    expect(await listed({ cwd })).toEqual(["shop@production -", "shop@staging -"]);

    await troupeJson(["deploy", "--env", "staging"], { cwd });
    await troupeJson(["env", "clone", "staging", "pr-1"], { cwd });
    await troupeJson(["env", "promote", "staging", "production"], { cwd });
    expect(await listed({ cwd })).toEqual(["shop@pr-1 1", "shop@production 1", "shop@staging 1"]);
    expect(await adopted([], { cwd })).toEqual(["shop@production shop (there)", "shop@staging shop-staging (there)"]);
  });

  test("--deploy makes a version of each", async () => {
    const cwd = testFolder({
      "wrangler.jsonc": JSON.stringify({
        name: "shop",
        main: "index.js",
        compatibility_date: "2026-11-01",
        vars: { WHO: "default" },
        env: { production: { name: "shop", vars: { WHO: "production" } }, staging: { vars: { WHO: "staging" } } },
      }),
      "index.js": CODE,
    });
    const { deployments } = await troupeJson<Adopted>(["adopt", "--deploy"], { cwd });
    expect(deployments.map(({ environment, version }) => `${environment} ${version}`)).toEqual([
      "production 1",
      "default 1",
      "staging 1",
    ]);
    expect(await bound("shop", "staging", { cwd })).toEqual({ WHO: "staging" });
    expect(await bound("shop", "production", { cwd })).toEqual({ WHO: "production" });
  });

  test("no project at all is an error that says where was looked", async () => {
    const cwd = testFolder();
    const { code, stderr } = await troupe(["adopt"], { cwd });
    expect(code).toBe(3);
    expect(stderr).toContain("no config file");
  });
});

describe("an environment in a file of its own", () => {
  const files = {
    "wrangler.toml": config("shop", "production", 'routes = ["shop.example.com/*"]'),
    "wrangler.staging.toml": config("shop-staging", "staging"),
    "index.js": CODE,
  };

  test("is one of the service: each keeps what its own file says, also when promoted to and cloned", async () => {
    const cwd = testFolder(files);
    expect(await adopted([], { cwd })).toEqual(["shop@production shop", "shop@staging shop-staging"]);
    expect(await listed({ cwd })).toEqual(["shop@production -", "shop@staging -"]);
    expect(readFileSync(path.join(cwd, "wrangler.toml"), "utf8")).toBe(files["wrangler.toml"]);
    const root = readFileSync(path.join(cwd, "troupe.toml"), "utf8");
    expect(root).toContain('[workspace.services.shop]\nstaging = "wrangler.staging.toml"\n');

    await troupeJson(["deploy", "--env", "staging"], { cwd });
    await troupeJson(["env", "promote", "staging", "production"], { cwd });
    expect(await bound("shop", "staging", { cwd })).toEqual({ WHO: "staging", KV: "staging-kv" });
    expect(await bound("shop", "production", { cwd })).toEqual({ WHO: "production", KV: "production-kv" });
    const { routes } = await troupeJson<{ routes: string[] }>(["env", "show", "production"], { cwd });
    expect(routes).toEqual(["shop.example.com/*"]);

    await troupeJson(["env", "clone", "staging", "pr-1"], { cwd });
    await troupeJson(["deploy"], { cwd });
    await troupeJson(["env", "promote", "production", "staging"], { cwd });
    await troupeJson(["env", "promote", "production", "pr-1"], { cwd });
    expect(await bound("shop", "staging", { cwd })).toMatchObject({ WHO: "staging" });
    expect(await bound("shop", "pr-1", { cwd })).toMatchObject({ WHO: "staging" });

    writeFiles(cwd, { "wrangler.staging.toml": config("shop-staging", "edited") });
    await troupeJson(["deploy", "--env", "staging"], { cwd });
    expect(await bound("shop", "staging", { cwd })).toMatchObject({ WHO: "edited" });
    expect(await adopted([], { cwd })).toEqual(["shop@production shop (there)", "shop@staging shop-staging (there)"]);
    expect(readFileSync(path.join(cwd, "troupe.toml"), "utf8")).toBe(root);
  });

  test("in its own folder it is the one that is meant", async () => {
    const cwd = testFolder({
      "main/wrangler.toml": config("shop", "production"),
      "main/index.js": CODE,
      "staging/wrangler.toml": config("shop-staging", "staging"),
      "staging/index.js": CODE,
    });
    expect(await adopted([], { cwd })).toEqual(["shop@production shop", "shop@staging shop-staging"]);
    await troupeJson(["deploy"], { cwd: path.join(cwd, "staging") });
    expect(await listed({ cwd })).toEqual(["shop@production -", "shop@staging 1"]);
  });

  test("shop-prod and shop-staging are one service without a shop", async () => {
    const cwd = testFolder({
      "wrangler.prod.toml": config("shop-prod", "production"),
      "wrangler.staging.toml": config("shop-staging", "staging"),
      "index.js": CODE,
    });
    expect(await adopted(["--deploy"], { cwd })).toEqual(["shop@production shop-prod", "shop@staging shop-staging"]);
    expect(await bound("shop", "production", { cwd })).toMatchObject({ WHO: "production" });
  });

  test("a wrangler.staging.toml of the same name is staging, and with a wrangler.production.toml the plain one is not production", async () => {
    const cwd = testFolder({
      "wrangler.toml": config("shop", "local"),
      "wrangler.production.toml": config("shop", "production"),
      "wrangler.staging.toml": config("shop", "staging"),
      "index.js": CODE,
    });
    expect((await adopted(["--deploy"], { cwd })).sort()).toEqual([
      "shop@default shop",
      "shop@production shop",
      "shop@staging shop",
    ]);
    expect(await bound("shop", "production", { cwd })).toMatchObject({ WHO: "production" });
    expect(await bound("shop", "default", { cwd })).toMatchObject({ WHO: "local" });
  });
});

describe("several projects", () => {
  test("become a workspace; a name that ends in no environment is a service of its own; broken ones are left out", async () => {
    const cwd = testFolder({
      "workers/api/wrangler.toml": `${config("api", "production")}\n${STAGING}`,
      "workers/api/index.js": CODE,
      "workers/api-docs/wrangler.json": JSON.stringify({
        name: "api-docs",
        main: "index.js",
        compatibility_date: "2026-11-01",
        services: [{ binding: "API", service: "api-staging" }],
      }),
      "workers/api-docs/index.js": CODE,
      "examples/broken/wrangler.toml": 'name = "broken"\n',
      "examples/syntax/wrangler.jsonc": '{ "name": ',
      "node_modules/dependency/wrangler.toml": config("dependency", "x"),
    });
    const { code, stdout, stderr } = await troupe(["adopt", "--dry-run"], { cwd });
    expect(code).toBe(0);
    expect(stderr).toContain("Left out: There is no `main`");
    expect(stderr).toContain("Left out: JSON syntax");
    expect(stdout).toContain("Nothing was changed");
    expect(existsSync(path.join(cwd, "troupe.toml"))).toBe(false);

    expect(await adopted([], { cwd })).toEqual([
      "api@production api",
      "api@staging api-staging",
      "api-docs@production api-docs",
    ]);
    expect(readFileSync(path.join(cwd, "troupe.toml"), "utf8")).toBe(
      '[workspace]\nmembers = ["workers/api", "workers/api-docs"]\n',
    );
    // The script's name leads to the environment.
    await troupeJson(["deploy", "--service", "api-docs"], { cwd });
    expect(await listed({ cwd })).toEqual(["api-docs@production 1", "api@production -", "api@staging 1"]);
  });

  test("a root file that is there is left alone", async () => {
    const root = '[workspace]\nmembers = ["api"]\n';
    const cwd = testFolder({
      "troupe.toml": root,
      "api/wrangler.toml": config("api", "production"),
      "api/index.js": CODE,
      "other/wrangler.toml": config("other", "production"),
      "other/index.js": CODE,
    });
    expect(await adopted([], { cwd })).toEqual(["api@production api"]);
    expect(readFileSync(path.join(cwd, "troupe.toml"), "utf8")).toBe(root);
  });

  test("what a project deployed on its own is told of, since state lies at the root", async () => {
    const cwd = testFolder({
      "api/wrangler.toml": config("api", "production"),
      "api/index.js": CODE,
      "web/wrangler.toml": config("web", "production"),
      "web/index.js": CODE,
    });
    await troupeJson(["deploy"], { cwd: path.join(cwd, "api") });
    const { code, stderr } = await troupe(["adopt"], { cwd });
    expect(code).toBe(0);
    expect(stderr).toContain(`--state-dir ${path.join(cwd, "api/.troupe")}`);
    expect(await listed({ cwd })).toEqual(["api@production -", "web@production -"]);
  });
});
