/** What a deploy refuses before anything is changed, and what it leaves to others. */
import { beforeEach, expect, test } from "vitest";
import { testFolder } from "../support/files.ts";
import { deployOurs, type OurOptions } from "./ours.ts";
import { type CloudServer, testCloud } from "./server.ts";

let server: CloudServer;
beforeEach(async () => {
  server = await testCloud();
});

const FLOW = `import { WorkflowEntrypoint } from "cloudflare:workers";
export class Order extends WorkflowEntrypoint { async run() {} }
export class Counter {}
export default { fetch: () => new Response("hello") };
`;

function deploy(config: Record<string, unknown>, options: OurOptions = {}) {
  const cwd = testFolder({
    "index.js": FLOW,
    "wrangler.json": JSON.stringify({ name: "shop", main: "index.js", compatibility_date: "2026-11-01", ...config }),
  });
  return deployOurs(server, cwd, options);
}

async function refusal(deploying: Promise<unknown>) {
  const before = structuredClone([...server.cloud.scripts.keys()]);
  const error = await deploying.then(
    () => expect.fail("it was deployed"),
    (thrown) => thrown,
  );
  expect([...server.cloud.scripts.keys()]).toEqual(before);
  expect(error.notes.join("\n")).toContain("No Worker was changed");
  return error;
}

test.each([
  ["containers", { containers: [{ class_name: "Counter", image: "registry.cloudflare.com/x/y:1" }] }],
  ["Workers Sites", { site: { bucket: "public" } }],
  ["event triggers", { triggers: { events: [{ type: "x", targets: [{ type: "workflow", workflow_name: "y" }] }] } }],
  ["Cap'n Proto schemas", { unsafe: { capnp: { compiled_schema: "x" } } }],
])("%s, which only Wrangler deploys", async (what, config) => {
  const error = await refusal(deploy(config));
  expect(error).toMatchObject({ code: "PRECONDITION" });
  expect(error.message).toContain(`shop@production: troupe does not deploy ${what}`);
  expect(error.notes.join("\n")).toContain("with Wrangler");
});

test("an id that another account has, as templates come with them", async () => {
  const deploying = deploy({ kv_namespaces: [{ binding: "STORE", id: "afec91ff3f7e4b0b9b9323fc6cf5ff85" }] });
  const error = await deploying.catch((thrown) => thrown);
  expect(error).toMatchObject({
    code: "PRECONDITION",
    message: expect.stringContaining("afec91ff3f7e4b0b9b9323fc6cf5ff85"),
  });
  expect(error.notes).toEqual(
    expect.arrayContaining([expect.stringContaining("in this account"), expect.stringContaining("are made")]),
  );
  expect(server.cloud.scripts.size).toBe(0);
});

test("a binding in the place of a secret, whose value would be lost", async () => {
  await deploy({}, { secrets: { TOKEN: "s3cret" } });
  const error = await refusal(deploy({ version_metadata: { binding: "TOKEN" } }));
  expect(error.message).toMatch(/TOKEN would take the place of a secret/);
  expect(error.notes.join("\n")).toContain("troupe secret delete TOKEN");
  expect(server.cloud.active("shop")!.secrets).toEqual({ TOKEN: "s3cret" });
});

test("a variable yields to a secret of its name, and is back when that is gone", async () => {
  const vars = { TOKEN: "open-sesame", LIST: [1] };
  const token = () => server.cloud.active("shop")!.bindings.find(({ name }) => name === "TOKEN");
  await deploy({ vars });
  expect(token()).toMatchObject({ type: "plain_text", text: "open-sesame" });
  await deploy({ vars }, { secrets: { TOKEN: "s3cret" } });
  expect(token()).toMatchObject({ type: "secret_text" });
  expect((await deploy({ vars })).results).toMatchObject([{ changed: false, version: 2 }]);
  await deploy({ vars: { ...vars, MORE: "x" } });
  expect(server.cloud.active("shop")).toMatchObject({ number: 3, secrets: { TOKEN: "s3cret" } });
  await deploy({ vars }, { withoutSecrets: ["TOKEN"] });
  expect(token()).toMatchObject({ type: "plain_text", text: "open-sesame" });
});

test("the Workflow of another Worker", async () => {
  const workflows = [{ binding: "ORDERS", name: "orders", class_name: "Order" }];
  await deploy({ name: "first", workflows });
  const error = await refusal(deploy({ name: "second", workflows }));
  expect(error.message).toContain('the Workflow "orders" belongs to the Worker "first"');
  await deploy({ name: "first", workflows, vars: { A: "1" } });
});

test("an address below workers.dev where the account has none", async () => {
  server.cloud.subdomain = undefined;
  const error = await refusal(deploy({}));
  expect(error.message).toContain("no subdomain there yet");
  expect(error.notes.join("\n")).toContain("/workers/subdomain");
  await deploy({ workers_dev: false });
  expect(server.cloud.scripts.has("shop")).toBe(true);
});

test("a token that may not ask for the account's subdomain deploys all the same", async () => {
  server.fault = ({ path, method }) =>
    method === "GET" && path.endsWith("/workers/subdomain") ? { status: 403, code: 10000 } : undefined;
  const { results } = await deploy({});
  expect(results).toMatchObject([{ service: "shop", version: 1 }]);
  expect(results[0]).not.toHaveProperty("url");
});

test("routes by their zones take away what is no longer wanted, and nothing that is another's", async () => {
  server.fault = ({ method, path }) =>
    method === "PUT" && path.endsWith("/routes") ? { status: 403, code: 10000 } : undefined;
  const patterns = (name: string) => server.cloud.scripts.get(name)!.routes.map(({ pattern }) => pattern);
  await deploy({ routes: ["a.example.com/*", "b.example.com/*"] });
  await deploy({ routes: ["b.example.com/*", "example.com/c"] });
  expect(patterns("shop")).toEqual(["b.example.com/*", "example.com/c"]);
  await expect(deploy({ name: "other", routes: ["example.com/c"] })).rejects.toMatchObject({
    code: "CONFLICT",
    message: expect.stringContaining('the route example.com/c belongs to the Worker "shop"'),
  });
  expect(patterns("shop")).toEqual(["b.example.com/*", "example.com/c"]);
  await expect(deploy({ routes: ["elsewhere.test/*"] })).rejects.toMatchObject({ code: "PRECONDITION" });
  expect(patterns("shop")).toEqual(["b.example.com/*", "example.com/c"]);
});
