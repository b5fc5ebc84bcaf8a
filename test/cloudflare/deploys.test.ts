/** Deploys of the real binary, one after the other: what goes, what stays, and what an interruption leaves. */
import { cpSync, symlinkSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { type CliOptions, startTroupe, troupeJson } from "../support/cli.ts";
import { testFolder, writeFiles } from "../support/files.ts";
import { type CloudServer, testCloud } from "./server.ts";
import { view } from "./view.ts";

let server: CloudServer;
let cwd: string;

beforeEach(async () => {
  server = await testCloud();
  cwd = testFolder();
});

const options = (): CliOptions => ({ cwd, env: { ...server.env, CI: "true" } });

function write(name: string, config: string, code = name): void {
  writeFiles(cwd, {
    "troupe.toml": '[workspace]\nmembers = ["*"]\n',
    [`${name}/troupe.toml`]: `name = "${name}"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n${config}`,
    [`${name}/index.js`]: `export default { fetch: () => new Response("${code}"), tail() {} };\n`,
  });
}

function deploy(...flags: string[]) {
  return troupeJson<{ deployments: { service: string; changed: boolean; version: number }[] }>(
    ["deploy", "--target", "cloudflare", ...flags],
    options(),
  );
}

describe("settings of a Worker", () => {
  test("that the config no longer has are switched off, those that it never had stay", async () => {
    write("watcher", "");
    write("shop", 'logpush = true\ntail_consumers = [{ service = "watcher" }]\n');
    await deploy();
    const settings = () => server.cloud.scripts.get("shop")!.settings;
    expect(settings()).toMatchObject({ logpush: true, tail_consumers: [{ service: "watcher" }] });
    write("shop", "[vars]\nA = 1\n");
    await deploy();
    expect(settings()).toMatchObject({ logpush: false, tail_consumers: [] });
    // In the dashboard.
    Object.assign(settings(), { logpush: true, tail_consumers: [{ service: "watcher" }] });
    write("shop", "[vars]\nA = 2\n");
    await deploy();
    expect(settings()).toMatchObject({ logpush: true, tail_consumers: [{ service: "watcher" }] });
  });
});

describe("resources without a name", () => {
  const config = (name: string, vars: Record<string, unknown> = {}) =>
    JSON.stringify({
      name,
      main: "index.js",
      compatibility_date: "2026-11-01",
      kv_namespaces: [{ binding: "CACHE" }],
      vars,
      env: { staging: { kv_namespaces: [{ binding: "CACHE" }] } },
    });
  const cache = (script: string) => {
    const { namespace_id } = server.cloud.active(script)!.bindings.find(({ name }) => name === "CACHE")!;
    return server.cloud.kv.find(({ id }) => id === namespace_id)!.title;
  };

  test("in Wrangler's files are each Worker's own, as Wrangler names them, and stay what they are", async () => {
    for (const name of ["one", "two"]) {
      writeFiles(cwd, {
        "troupe.toml": '[workspace]\nmembers = ["*"]\n',
        [`${name}/wrangler.json`]: config(name),
        [`${name}/index.js`]: "export default { fetch: () => new Response() };\n",
      });
    }
    await deploy();
    await deploy("--env", "staging");
    expect(["one", "two", "one-staging", "two-staging"].map(cache)).toEqual([
      "one-cache",
      "two-cache",
      "one-staging-cache",
      "two-staging-cache",
    ]);
    expect((await deploy()).deployments.map(({ changed }) => changed)).toEqual([false, false]);
    // Somebody connected it to another one.
    const [first] = server.cloud.kv;
    first!.title = "renamed in the dashboard";
    writeFiles(cwd, { "one/wrangler.json": config("one", { A: "1" }) });
    await deploy();
    expect(cache("one")).toBe("renamed in the dashboard");
    expect(server.cloud.kv).toHaveLength(4);
  });

  test("of clones are those of the service", async () => {
    for (const name of ["one", "two"]) {
      writeFiles(cwd, {
        "troupe.toml": '[workspace]\nmembers = ["*"]\n',
        [`${name}/wrangler.json`]: config(name),
        [`${name}/index.js`]: "export default { fetch: () => new Response() };\n",
      });
    }
    await deploy();
    for (const name of ["one", "two"]) {
      await troupeJson(["env", "clone", "production", "pr-7", "-s", name, "-t", "cloudflare"], options());
    }
    expect(["one-pr-7", "two-pr-7"].map(cache)).toEqual(["one-cache--pr-7", "two-cache--pr-7"]);
  });
});

describe("static assets", () => {
  const site = (files: Record<string, string>) =>
    writeFiles(cwd, {
      "troupe.toml": `name = "site"\ncompatibility_date = "2026-11-01"\nassets = { directory = "public" }\n`,
      ...files,
    });

  test("follow links to files, and none to folders", async () => {
    site({ "public/a.html": "a", "elsewhere/b.txt": "b", "elsewhere/c.txt": "c" });
    symlinkSync("../elsewhere/b.txt", path.join(cwd, "public/link.txt"));
    symlinkSync("../elsewhere", path.join(cwd, "public/folder"));
    symlinkSync("nowhere", path.join(cwd, "public/dangling"));
    await deploy();
    expect(Object.keys(server.cloud.active("site")!.assets!)).toEqual(["/a.html", "/link.txt"]);
  });

  test("are not the code of a Pages project, unless that is said", async () => {
    site({ "public/a.html": "a", "public/_worker.js": "secret" });
    await expect(deploy()).rejects.toThrow(/_worker\.js would be published/);
    expect(server.cloud.scripts.size).toBe(0);
    site({ "public/.assetsignore": "_worker.js\n" });
    await deploy();
    expect(Object.keys(server.cloud.active("site")!.assets!)).toEqual(["/a.html"]);
  });
});

test("Ctrl-C in the middle puts everything back, and the next run completes it", async () => {
  write("auth", "");
  write("gateway", 'services = [{ binding = "AUTH", service = "auth" }]\n');
  await deploy();
  const before = view(server.cloud);
  write("auth", "", "auth 2");
  write("gateway", 'services = [{ binding = "AUTH", service = "auth" }]\n', "gateway 2");
  // The first one has been switched over when it comes.
  let deployments = 0;
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  server.fault = ({ method, path }) => {
    if (method === "POST" && path.endsWith("/deployments") && ++deployments === 2) {
      reach();
      return { slow: 1500 };
    }
    return undefined;
  };
  const running = startTroupe(["deploy", "--target", "cloudflare", "--json"], options());
  await reached;
  const { code, stderr } = await running.stop();
  expect(code).toBe(130);
  expect(JSON.parse(stderr.trim().split("\n").at(-1)!).error).toMatchObject({ code: "INTERRUPTED" });
  server.fault = undefined;
  expect(view(server.cloud)).toEqual(before);
  expect((await deploy()).deployments.map(({ service, changed }) => [service, changed])).toEqual([
    ["auth", true],
    ["gateway", true],
  ]);
});

test("nothing of this machine is in what is uploaded, and no value is taken for a path", async () => {
  writeFiles(cwd, {
    "tsconfig.json": "{}",
    "troupe.toml": '[workspace]\nmembers = ["*"]\n',
    "shop/troupe.toml": `name = "shop"
main = "index.ts"
compatibility_date = "2026-11-01"
tsconfig = "../tsconfig.json"
build = { command = "true", cwd = "..", watch_dir = ["../shared"] }
assets = { directory = "../public", run_worker_first = ["/api/*"] }
[vars]
main = "/srv/main"
HERE = "${cwd.replace("/tmp", "/elsewhere")}"
[env.staging]
`,
    "shop/index.ts": 'import { x } from "../shared/x.ts";\nexport default { fetch: () => new Response(x) };\n',
    "shared/x.ts": 'export const x = "y";\n',
    "public/index.html": "<h1>hello</h1>",
    "shop/.dev.vars": "LOCAL=only-here\n",
  });
  await deploy("--env", "staging");
  const { parts, bindings } = server.cloud.active("shop-staging")!;
  for (const [name, { contents }] of Object.entries(parts)) {
    expect(contents.toString(), name).not.toContain(cwd);
    expect(contents.toString(), name).not.toContain("only-here");
  }
  // On another machine, in another folder.
  const other = testFolder();
  const moved = path.join(other, "some/where");
  cpSync(cwd, moved, { recursive: true });
  cwd = moved;
  await troupeJson(["env", "promote", "staging", "production", "-s", "shop", "-t", "cloudflare"], options());
  expect(server.cloud.active("shop")!.bindings).toEqual(bindings);
  expect(Object.keys(server.cloud.active("shop")!.assets!)).toEqual(["/index.html"]);
});
