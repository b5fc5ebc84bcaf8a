/** What only this target has, or has in its own way: shares of traffic, resources that are made, what others deployed. */
import { rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { loadWorkspace } from "../../src/config/index.ts";
import { deploy } from "../../src/ops/deploy.ts";
import {
  createEnvironment,
  deleteEnvironment,
  listEnvironments,
  promoteEnvironment,
  rollback,
  rollout,
  showEnvironment,
} from "../../src/ops/environments.ts";
import { listDeployments, listVersions } from "../../src/ops/history.ts";
import { putSecrets } from "../../src/ops/secrets.ts";
import { changeSettings } from "../../src/ops/settings.ts";
import { openCloudflareTarget } from "../../src/targets/cloudflare/index.ts";
import { makeCa } from "../bindings/certificates.ts";
import { makeFolder, removeFolder, testFolder, writeFiles } from "../support/files.ts";
import { changedIn } from "../targets/shop.ts";
import { Cloud } from "./cloud.ts";
import { type CloudServer, type Fault, type Seen, startCloud } from "./server.ts";

let server: CloudServer;
beforeAll(async () => {
  server = await startCloud();
});
afterAll(() => server.close());
beforeEach(() => {
  server.reset();
});

const at = (cwd: string) => server.at(cwd);

const worker = (text: string) =>
  `export default { fetch: () => new Response(${JSON.stringify(text)}), scheduled() {}, queue() {} };\n`;

function sharesOf(name: string): string[] {
  const { versions, deployments } = server.cloud.scripts.get(name)!;
  return deployments[0]!.versions.map(
    ({ version_id, percentage }) => `${versions.find(({ id }) => id === version_id)!.number}: ${percentage}`,
  );
}

describe("shares of the traffic", () => {
  const config = (hour: number) => `name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
triggers = { crons = ["0 ${hour} * * *"] }
`;
  let cwd: string;
  beforeEach(async () => {
    cwd = testFolder({ "troupe.toml": config(1), "index.js": worker("one") });
    await deploy(at(cwd));
    writeFileSync(path.join(cwd, "index.js"), worker("two"));
    writeFileSync(path.join(cwd, "troupe.toml"), config(2));
  });

  test("grow step by step; crons follow at the last one", async () => {
    expect(changedIn(await deploy({ ...at(cwd), percentage: 10 }))).toEqual(["shop@production 2"]);
    expect(sharesOf("shop")).toEqual(["2: 10", "1: 90"]);
    expect(server.cloud.scripts.get("shop")!.schedules).toEqual(["0 1 * * *"]);
    expect((await listEnvironments(at(cwd)))[0]).toMatchObject({ version: 1 });

    expect(await rollout(at(cwd), 50)).toMatchObject({
      results: [{ version: 2, changed: true, changes: ["10 % → 50 % of the traffic"] }],
    });
    expect(sharesOf("shop").sort()).toEqual(["1: 50", "2: 50"]);
    await rollout({ ...at(cwd), dryRun: true }, 100);
    expect(sharesOf("shop").sort()).toEqual(["1: 50", "2: 50"]);

    await rollout(at(cwd), 100);
    expect(sharesOf("shop")).toEqual(["2: 100"]);
    expect(server.cloud.scripts.get("shop")!.schedules).toEqual(["0 2 * * *"]);
    await expect(rollout(at(cwd), 50)).rejects.toMatchObject({ code: "PRECONDITION" });
    expect((await deploy(at(cwd))).results).toMatchObject([{ version: 2, changed: false }]);
  });

  test("are taken back, and the crons with them", async () => {
    await deploy({ ...at(cwd), percentage: 10 });
    expect((await listDeployments(at(cwd), 1))[0]).toMatchObject({ version: 1, percentage: 90 });
    await rollout(at(cwd), 0);
    expect(sharesOf("shop")).toEqual(["1: 100"]);
    expect(server.cloud.scripts.get("shop")!.schedules).toEqual(["0 1 * * *"]);
  });

  test("are of the older version and the newest one, however far the one in between was", async () => {
    await deploy({ ...at(cwd), percentage: 60 });
    expect(changedIn(await deploy({ ...at(cwd), percentage: 20 }))).toEqual(["shop@production 2"]);
    expect(sharesOf("shop")).toEqual(["2: 20", "1: 80"]);
    await rollout(at(cwd), 60);
    writeFileSync(path.join(cwd, "index.js"), worker("three"));
    expect((await deploy({ ...at(cwd), percentage: 30 })).results).toMatchObject([{ version: 3, previous: 1 }]);
    expect(sharesOf("shop")).toEqual(["3: 30", "1: 70"]);
    expect((await listVersions(at(cwd))).versions).toMatchObject([
      { number: 3, active: false, percentage: 30 },
      { number: 2, active: false },
      { number: 1, active: true, percentage: 70 },
    ]);
  });

  test("of a graph are moved where there are any", async () => {
    const files = (text: string) => ({
      "troupe.toml": '[workspace]\nmembers = ["*"]\n',
      "one/index.js": worker(text),
      "one/troupe.toml": `${config(1)}`.replace("shop", "one"),
      "two/index.js": worker("two"),
      "two/troupe.toml": `${config(1)}`.replace("shop", "two"),
    });
    const graph = { ...at(testFolder(files("first"))), graph: true };
    await deploy(graph);
    await expect(rollout(graph, 50)).rejects.toMatchObject({ code: "PRECONDITION" });
    writeFiles(graph.cwd, files("second"));
    await deploy({ ...graph, percentage: 10 });
    expect((await rollout(graph, 50)).results).toMatchObject([{ service: "one", version: 2 }]);
    expect(sharesOf("two")).toEqual(["1: 100"]);
    await rollout(graph, 100);
    expect(sharesOf("one")).toEqual(["2: 100"]);
  });

  test.each([10, 60])("are taken back by a rollback (at %i %%)", async (percentage) => {
    await deploy({ ...at(cwd), percentage });
    await rollback(at(cwd));
    expect(sharesOf("shop")).toEqual(["1: 100"]);
    expect(server.cloud.scripts.get("shop")!.schedules).toEqual(["0 1 * * *"]);
  });

  test("are not ended by a secret or a setting, which would have to choose a version", async () => {
    await deploy({ ...at(cwd), percentage: 10 });
    const refused = { code: "PRECONDITION", message: expect.stringContaining("shares its traffic") };
    await expect(putSecrets(at(cwd), { TOKEN: "one" })).rejects.toMatchObject(refused);
    await expect(changeSettings(at(cwd), "production", { set: [["vars.A", "b"]] })).rejects.toMatchObject(refused);
    expect(sharesOf("shop")).toEqual(["2: 10", "1: 90"]);
  });

  test("a deploy in between goes to everybody", async () => {
    await deploy({ ...at(cwd), percentage: 10 });
    await deploy(at(cwd));
    expect(sharesOf("shop")).toEqual(["2: 100"]);
    expect(server.cloud.scripts.get("shop")!.schedules).toEqual(["0 2 * * *"]);
  });

  test("that are none are refused, and so is a target that has no such thing", async () => {
    for (const percentage of [0, 101, Number.NaN]) {
      await expect(deploy({ ...at(cwd), percentage })).rejects.toMatchObject({ code: "USAGE" });
    }
    await expect(deploy({ ...at(cwd), target: "local", percentage: 10 })).rejects.toMatchObject({ code: "USAGE" });
    await expect(rollout({ ...at(cwd), target: "local" }, 10)).rejects.toMatchObject({
      code: expect.stringMatching(/USAGE|NOT_FOUND/),
    });
  });
});

describe("resources", () => {
  const files = {
    "troupe.toml": '[workspace]\nmembers = ["shop", "stats"]\n',
    "shop/index.js": worker("shop"),
    "shop/troupe.toml": `name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
kv_namespaces = [{ binding = "CACHE" }, { binding = "SHARED", id = "shared" }]
d1_databases = [{ binding = "DB", database_name = "orders" }]
r2_buckets = [{ binding = "FILES", bucket_name = "files" }]
[queues]
producers = [{ binding = "JOBS", queue = "jobs" }]
[env.staging]
`,
    "stats/index.js": worker("stats"),
    "stats/troupe.toml": `name = "stats"
main = "index.js"
compatibility_date = "2026-11-01"
kv_namespaces = [{ binding = "SHARED", id = "shared" }]
[env.staging]
`,
  };
  const held = () => ({
    kv: server.cloud.kv.map(({ title }) => title).sort(),
    d1: server.cloud.d1.map(({ name }) => name).sort(),
    r2: server.cloud.r2.map(({ name }) => name).sort(),
    queues: server.cloud.queues.map(({ queue_name }) => queue_name).sort(),
  });

  test("are listed by a dry run, made once, and deleted with the environment that they were made for", async () => {
    const cwd = testFolder(files);
    const dry = await deploy({ ...at(cwd), env: "staging", dryRun: true });
    expect(dry.warnings.map(({ message }) => message.split(" does not")[0]).sort()).toEqual([
      "D1 database orders--staging",
      "KV namespace shared--staging",
      "KV namespace shop-cache--staging",
      "Queue jobs--staging",
      "R2 bucket files--staging",
    ]);
    expect(held()).toEqual({ kv: [], d1: [], r2: [], queues: [] });
    await deploy({ ...at(cwd), env: "production" });
    const originals = held();
    await deploy({ ...at(cwd), env: "staging" });
    const both = held();
    expect(both.kv).toEqual(["shared", "shared--staging", "shop-cache", "shop-cache--staging"]);
    await deploy({ ...at(cwd), env: "staging" });
    expect(held()).toEqual(both);

    // Another service still has a namespace that both name.
    const first = await deleteEnvironment({ ...at(cwd), service: ["shop"], resources: true }, "staging");
    expect(first.left).toEqual([]);
    expect(held()).toEqual({ ...originals, kv: [...originals.kv, "shared--staging"].sort() });
    const second = await deleteEnvironment({ ...at(cwd), service: ["stats"] }, "staging");
    expect(second.left).toEqual(["KV namespace shared--staging"]);
    expect(held().kv).toContain("shared--staging");
    const third = await deleteEnvironment({ ...at(cwd), graph: true, resources: true }, "production");
    expect(third.left).toEqual([]);
    expect(held()).toEqual({ ...originals, kv: [...originals.kv, "shared--staging"].sort() });
    expect([...server.cloud.scripts.keys()]).toEqual([]);
  });
});

test("a queue stays while another service consumes it", async () => {
  const config = (name: string, queues: string) => `name = "${name}"
main = "index.js"
compatibility_date = "2026-11-01"
queues = ${queues}
[env.staging]
`;
  const cwd = testFolder({
    "troupe.toml": '[workspace]\nmembers = ["*"]\n',
    "shop/index.js": worker("shop"),
    "shop/troupe.toml": config("shop", '{ producers = [{ binding = "JOBS", queue = "jobs" }] }'),
    "mail/index.js": worker("mail"),
    "mail/troupe.toml": config("mail", '{ consumers = [{ queue = "jobs" }] }'),
  });
  await deploy({ ...at(cwd), env: "staging" });
  const remove = async (service: string) =>
    (await deleteEnvironment({ ...at(cwd), service: [service], resources: true }, "staging")).left;
  expect(await remove("shop")).toEqual([]);
  expect(server.cloud.queues.map(({ queue_name }) => queue_name)).toEqual(["jobs--staging"]);
  expect(await remove("mail")).toEqual([]);
  expect(server.cloud.queues).toEqual([]);
});

test("a deletion that was killed is finished by the same command, wherever that was", async () => {
  const config = (name: string, more: string) => `name = "${name}"
main = "index.js"
compatibility_date = "2026-11-01"
${more}
[env.staging]
`;
  const cwd = testFolder({
    "troupe.toml": '[workspace]\nmembers = ["*"]\n',
    "shop/index.js": `import { WorkflowEntrypoint } from "cloudflare:workers";
export class Order extends WorkflowEntrypoint {}
${worker("shop")}`,
    "shop/troupe.toml": config(
      "shop",
      `kv_namespaces = [{ binding = "CACHE" }]
r2_buckets = [{ binding = "FILES" }]
services = [{ binding = "MAIL", service = "mail" }]
workflows = [{ binding = "ORDERS", name = "orders", class_name = "Order" }]
queues = { producers = [{ binding = "JOBS", queue = "jobs" }] }`,
    ),
    "mail/index.js": worker("mail"),
    "mail/troupe.toml": config(
      "mail",
      'd1_databases = [{ binding = "DB" }]\nqueues = { consumers = [{ queue = "jobs" }] }',
    ),
  });
  await deploy({ ...at(cwd), env: "staging" });
  const before = server.cloud;
  const remove = () => deleteEnvironment({ ...at(cwd), graph: true, resources: true }, "staging");
  server.cloud = before.copy();
  server.forget();
  expect((await remove()).left).toEqual([]);
  const seen = [...server.seen];
  expect(seen.filter(({ method }) => method === "DELETE")).toHaveLength(8);
  for (const { path: asked } of seen.filter(({ method }) => method === "DELETE")) {
    server.cloud = before.copy();
    let isDead = false;
    server.fault = (each) => {
      isDead ||= each.method === "DELETE" && each.path === asked;
      return isDead ? { status: 403, code: 10000 } : undefined;
    };
    await expect(remove()).rejects.toMatchObject({ code: "AUTH" });
    server.fault = undefined;
    await remove();
    const { scripts, kv, d1, r2, queues, workflows } = server.cloud;
    const left = [...scripts.keys(), ...workflows.keys(), ...kv, ...d1, ...r2, ...queues];
    expect(left, `killed at DELETE ${asked}`).toEqual([]);
  }
});

test("what the network keeps as long as it is bound goes after the Worker", async () => {
  const cwd = testFolder({
    "index.js": worker("shop"),
    "troupe.toml": `name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
kv_namespaces = [{ binding = "CACHE" }]
[env.staging]
`,
  });
  await deploy({ ...at(cwd), env: "staging" });
  server.fault = ({ method, path: asked }) =>
    method === "DELETE" && asked.includes("/kv/") && server.cloud.scripts.size > 0 ? { status: 400 } : undefined;
  expect((await deleteEnvironment({ ...at(cwd), resources: true }, "staging")).left).toEqual([]);
  expect(server.cloud.kv).toEqual([]);
});

test("files that a version was made of need not be there when it is promoted, or gets a secret", async () => {
  const { certificate, key } = await (await makeCa("Test CA", "ec")).sign("client");
  const cwd = testFolder({
    "index.js": worker("shop"),
    "public/index.html": "one",
    "public/_headers": "/*\n  X-Shop: one\n",
    "public/_redirects": "/old / 301\n",
    "cert.pem": certificate,
    "key.pem": key,
    "troupe.toml": `name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
assets = { directory = "public" }
mtls_certificates = [{ binding = "CERT", certificate = "cert.pem", private_key = "key.pem" }]
vars = { A = "a" }
[env.staging]
`,
  });
  await deploy({ ...at(cwd), env: "production" });
  writeFileSync(path.join(cwd, "index.js"), worker("shop two"));
  await deploy({ ...at(cwd), env: "staging" });
  const made = (name: string) => {
    const { metadata, bindings, assets } = server.cloud.active(name)!;
    return { config: metadata.assets.config, files: Object.keys(assets!), bindings: bindings.slice(0, 1) };
  };
  const before = made("shop");
  expect(before).toMatchObject({ config: { _headers: "/*\n  X-Shop: one\n", _redirects: "/old / 301\n" } });
  for (const gone of ["public", "cert.pem", "key.pem"]) rmSync(path.join(cwd, gone), { recursive: true });
  await putSecrets({ ...at(cwd), env: "staging" }, { TOKEN: "x" });
  expect(made("shop-staging")).toEqual(before);
  await putSecrets({ ...at(cwd), env: "production" }, { TOKEN: "y" });
  expect(made("shop")).toEqual(before);
  await changeSettings(at(cwd), "staging", { set: [["vars.A", "b"]] });
  expect(changedIn(await promoteEnvironment(at(cwd), "staging", "production"))).toEqual(["shop@production 3"]);
  expect(made("shop")).toEqual(before);
  await expect(deploy({ ...at(cwd), env: "staging" })).rejects.toMatchObject({ code: "CONFIG" });
});

test("a version from before the last migration of its Durable Objects is not gone back to", async () => {
  const config = (...names: string[]) => `name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
${names.map((name) => `[[migrations]]\ntag = "${name}"\nnew_sqlite_classes = ["${name}"]\n`).join("")}`;
  const code = (text: string) => `import { DurableObject } from "cloudflare:workers";
export class One extends DurableObject {}
export class Two extends DurableObject {}
${worker(text)}`;
  const cwd = testFolder({ "index.js": code("1"), "troupe.toml": config("One") });
  await deploy(at(cwd));
  writeFiles(cwd, { "index.js": code("2"), "troupe.toml": config("One", "Two") });
  await deploy(at(cwd));
  for (const dryRun of [true, false]) {
    await expect(rollback({ ...at(cwd), dryRun })).rejects.toMatchObject({
      code: "PRECONDITION",
      message: expect.stringContaining('version 1 was made before the migration "Two"'),
      notes: expect.arrayContaining([expect.stringContaining("troupe deploy --target cloudflare")]),
    });
  }
  writeFiles(cwd, { "index.js": code("3") });
  await deploy(at(cwd));
  expect(changedIn(await rollback(at(cwd)))).toEqual(["shop@production 2"]);
});

test("an environment that is reached by routes alone tells them in place of an address", async () => {
  const cwd = testFolder({
    "index.js": worker("shop"),
    "troupe.toml":
      'name = "shop"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\nroutes = ["shop.example.com/*"]\n',
  });
  await deploy({ ...at(cwd), env: "production" });
  const [found] = await listEnvironments(at(cwd));
  expect(found).toEqual({
    service: "shop",
    name: "production",
    routes: ["shop.example.com/*"],
    version: 1,
    protected: false,
  });
});

test("Workflows that were made for an environment go with its resources, and no other does", async () => {
  const cwd = testFolder({
    "index.js": `import { WorkflowEntrypoint } from "cloudflare:workers";
export class Order extends WorkflowEntrypoint {}
${worker("shop")}`,
    "troupe.toml": `name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
workflows = [{ binding = "ORDERS", name = "orders", class_name = "Order" }]
[env.staging]
[env.preview]
`,
  });
  for (const env of ["production", "staging", "preview"]) await deploy({ ...at(cwd), env });
  const names = () => [...server.cloud.workflows.keys()];
  expect(names()).toEqual(["orders", "orders--staging", "orders--preview"]);
  expect(await deleteEnvironment({ ...at(cwd), resources: true }, "staging")).toMatchObject({ left: [] });
  expect(names()).toEqual(["orders", "orders--preview"]);
  expect((await deleteEnvironment(at(cwd), "preview")).left).toEqual(["Workflow orders--preview"]);
  expect((await deleteEnvironment({ ...at(cwd), resources: true }, "production")).left).toEqual([]);
  expect(names()).toEqual(["orders", "orders--preview"]);
});

describe("static assets", () => {
  test("are promoted as they were deployed, whatever the folder has by now", async () => {
    const cwd = testFolder({
      "public/index.html": "<h1>one</h1>",
      "index.js": worker("api"),
      "troupe.toml": `name = "site"
main = "index.js"
compatibility_date = "2026-11-01"
assets = { directory = "public", binding = "ASSETS" }
[env.staging]
`,
    });
    await deploy({ ...at(cwd), env: "staging" });
    const sent = server.cloud.active("site-staging")!.assets;
    writeFileSync(path.join(cwd, "public/index.html"), "<h1>two</h1>");
    expect(changedIn(await promoteEnvironment(at(cwd), "staging", "production"))).toEqual(["site@production 1"]);
    expect(server.cloud.active("site")!.assets).toEqual(sent);
    expect(changedIn(await promoteEnvironment(at(cwd), "staging", "production"))).toEqual([]);
    await changeSettings(at(cwd), "production", { set: [["vars.A", "b"]] });
    expect(server.cloud.active("site")!.assets).toEqual(sent);
  });
});

describe("an environment without a version", () => {
  test("has its secrets and settings, and nobody can call it", async () => {
    const cwd = testFolder({
      "index.js": worker("shop"),
      "troupe.toml": `name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
secrets = { required = ["TOKEN"] }
[vars]
A = "1"
[env.staging.vars]
A = "2"
`,
    });
    await putSecrets(at(cwd), { TOKEN: "t0ken" });
    await deploy(at(cwd));
    await createEnvironment(at(cwd), "pr-1", { base: "staging", protected: true });
    expect(await listEnvironments(at(cwd))).toEqual([
      { service: "shop", name: "pr-1", protected: true },
      expect.objectContaining({ service: "shop", name: "production", version: expect.any(Number) }),
    ]);
    expect(server.cloud.scripts.get("shop-pr-1")!.subdomain.enabled).toBe(false);
    await putSecrets({ ...at(cwd), env: "pr-1" }, { TOKEN: "other" });
    expect((await showEnvironment(at(cwd), "pr-1")).secrets).toEqual([{ name: "TOKEN" }]);
    expect((await listVersions({ ...at(cwd), env: "pr-1" })).versions).toEqual([]);
    await expect(rollback({ ...at(cwd), env: "pr-1" })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(deploy({ ...at(cwd), env: "pr-1" })).rejects.toMatchObject({ code: "PROTECTED" });
    await promoteEnvironment(at(cwd), "production", "pr-1");
    const { secrets, bindings } = server.cloud.active("shop-pr-1")!;
    expect(secrets).toEqual({ TOKEN: "other" });
    expect(bindings).toContainEqual({ name: "A", type: "plain_text", text: "2" });
  });
});

describe("service-worker syntax", () => {
  test("is deployed, gets secrets, is promoted and rolled back", async () => {
    const cwd = testFolder({
      "index.js": 'addEventListener("fetch", (event) => event.respondWith(new Response("one")));\n',
      "troupe.toml": 'name = "old"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[env.staging]\n',
    });
    await deploy({ ...at(cwd), env: "staging" });
    await deploy({ ...at(cwd), env: "production" });
    const code = (name: string) => {
      const { parts, metadata } = server.cloud.active(name)!;
      return parts[metadata.body_part]!.contents.toString();
    };
    const one = code("old-staging");
    writeFileSync(
      path.join(cwd, "index.js"),
      'addEventListener("fetch", (event) => event.respondWith(new Response("two")));\n',
    );
    await deploy({ ...at(cwd), env: "staging" });
    expect(changedIn(await putSecrets({ ...at(cwd), env: "staging" }, { TOKEN: "x" }))).toEqual(["old@staging 3"]);
    expect(server.cloud.active("old-staging")!.secrets).toEqual({ TOKEN: "x" });
    expect(code("old-staging")).toContain("two");
    await putSecrets({ ...at(cwd), env: "production" }, { TOKEN: "y" });
    await promoteEnvironment(at(cwd), "staging", "production");
    expect(code("old")).toBe(code("old-staging"));
    await rollback({ ...at(cwd), env: "staging" }, 1);
    expect(code("old-staging")).toBe(one);
  });
});

describe("verbs of several services, when requests fail", () => {
  const files = {
    "troupe.toml": '[workspace]\nmembers = ["*"]\n',
    "gateway/index.js": worker("gateway"),
    "gateway/troupe.toml": `name = "gateway"
main = "index.js"
compatibility_date = "2026-11-01"
services = [{ binding = "AUTH", service = "auth" }]
vars = { A = "0" }
[env.staging.vars]
A = "1"
`,
    "auth/index.js": worker("auth"),
    "auth/troupe.toml": `name = "auth"
main = "index.js"
compatibility_date = "2026-11-01"
kv_namespaces = [{ binding = "SESSIONS" }]
vars = { A = "0" }
[env.staging.vars]
A = "1"
`,
  };
  let cwd: string;
  let before: Cloud;
  beforeAll(async () => {
    cwd = makeFolder(files);
    server.cloud = new Cloud();
    await deploy({ ...at(cwd), env: "production" });
    await deploy({ ...at(cwd), env: "staging" });
    writeFileSync(path.join(cwd, "gateway/index.js"), worker("gateway two"));
    writeFileSync(path.join(cwd, "auth/index.js"), worker("auth two"));
    await deploy({ ...at(cwd), env: "staging" });
    before = server.cloud;
  });
  afterAll(() => removeFolder(cwd));

  const open = async () => {
    const { workspace } = await loadWorkspace({ cwd, processEnv: {} });
    return openCloudflareTarget({ cwd, processEnv: server.env, workspace, retryDelay: 1 });
  };
  const VERBS = {
    clone: async () =>
      (await open()).clone({ services: ["gateway"], from: "staging", to: "pr-1", graph: true, data: "fresh" }),
    promote: async () =>
      (await open()).promote({ services: ["gateway"], from: "staging", to: "production", graph: true }),
    rollback: async () => (await open()).rollback({ ref: { service: "gateway", environment: "staging" } }),
  };
  const view = (cloud: Cloud) =>
    Object.fromEntries(
      [...cloud.scripts].sort().map(([name, { tags, subdomain }]) => {
        const { parts, metadata } = cloud.active(name)!;
        return [name, { tags, subdomain, code: parts[metadata.main_module]!.contents.toString() }];
      }),
    );

  test.each(Object.keys(VERBS) as (keyof typeof VERBS)[])("%s is all old or all new", async (verb) => {
    const run = async (fault?: (seen: Seen) => Fault | undefined) => {
      server.cloud = before.copy();
      server.forget();
      server.fault = fault;
      const error = await VERBS[verb]().then(
        () => undefined,
        (thrown) => thrown,
      );
      server.fault = undefined;
      return error;
    };
    expect(await run()).toBeUndefined();
    const requests = [...server.seen];
    const [old, done] = [view(before), view(server.cloud)];
    expect(done).not.toEqual(old);
    const writes = requests.filter(({ method }) => method !== "GET");
    expect(writes.length).toBeGreaterThan(0);
    for (const { number, method, path: where } of writes) {
      for (const fault of ["after", { status: 500 }] as const) {
        const error = await run((seen) => (seen.number === number ? fault : undefined));
        expect(error, `${method} ${where} fails once (${JSON.stringify(fault)}): ${error?.stack}`).toBeUndefined();
        expect(view(server.cloud), `${method} ${where}`).toEqual(done);
      }
      // The token loses this one permission: the request is refused for good, what undoes the others is not.
      const error = await run((seen) => (seen.number === number ? { status: 403, code: 10000 } : undefined));
      expect(error, `${method} ${where} is refused`).toMatchObject({ code: "AUTH" });
      expect(view(server.cloud), `${method} ${where} is refused: ${error.stack}`).toEqual(old);
    }
  });
});

test("code that the store here has is taken from there, byte for byte", async () => {
  const cwd = testFolder({
    "index.js": worker("shop"),
    "troupe.toml": 'name = "shop"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[env.staging]\n',
  });
  await deploy({ ...at(cwd), env: "staging", target: "local" });
  await deploy({ ...at(cwd), env: "staging" });
  const { metadata, parts } = server.cloud.active("shop-staging")!;
  const main = parts[metadata.main_module]!;
  const code = main.contents;
  // What the network would give back is worth nothing now.
  parts[metadata.main_module] = { ...main, contents: Buffer.from("lost") };
  await promoteEnvironment(at(cwd), "staging", "production");
  expect(server.cloud.active("shop")!.parts[metadata.main_module]!.contents).toEqual(code);
});

test("without a config, everything of the account is listed", async () => {
  const cwd = testFolder({
    "index.js": worker("shop"),
    "troupe.toml": 'name = "shop"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[env.staging]\n',
  });
  await deploy({ ...at(cwd), env: "staging" });
  rmSync(path.join(cwd, "troupe.toml"));
  expect((await listEnvironments(at(cwd))).map(({ service, name }) => [service, name])).toEqual([["shop", "staging"]]);
  await rollback({ ...at(cwd), env: "staging", service: ["shop"] }).catch((error) =>
    expect(error).toMatchObject({ code: "PRECONDITION" }),
  );
});
