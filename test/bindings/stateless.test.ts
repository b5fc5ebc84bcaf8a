import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../support/port.ts";
import { type Running, start, until } from "./support.ts";

const code = (name: string) => readFile(new URL(`workers/${name}.js`, import.meta.url), "utf8");

let running: Running;
let dir: string;
let port: number;
const json = <T = unknown>(pathname: string, service = "desk") => running.json<T>(service, pathname);

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "troupe-bindings-"));
  await writeFile(path.join(dir, "hello.txt"), "hello from a file");
  port = await freePort();
  running = await start({
    desk: {
      code: await code("desk"),
      secrets: {
        TOKEN: "t0ken",
        STORED: "stored value",
        OVERRIDDEN: "from .dev.vars",
        EXTRA: "undeclared",
        AUTH: "beaten",
      },
      config: {
        vars: { GREETING: "hello", LIMITS: { a: [1, 2] }, ENABLED: true, NOTHING: null, OVERRIDDEN: "from the config" },
        secrets: { required: ["TOKEN", "UNSET"] },
        version_metadata: { binding: "VERSION" },
        services: [
          { binding: "AUTH", service: "auth" },
          {
            binding: "AUTH_CLASS",
            service: "auth",
            entrypoint: "Verifier",
            props: { caller: "desk", scopes: ["read"] },
          },
          { binding: "SELF", service: "desk", entrypoint: "Doubler" },
          { binding: "GONE", service: "gone" },
          { binding: "NO_ENTRYPOINT", service: "auth", entrypoint: "Nothing", props: { a: 1 } },
        ],
        durable_objects: { bindings: [{ name: "NO_CLASS", class_name: "Nothing" }] },
        workflows: [{ binding: "NO_FLOW", name: "nothing", class_name: "Nothing", script_name: "gone" }],
        ai: { binding: "AI" },
        vectorize: [{ binding: "INDEX", index_name: "docs" }],
        ai_search: [{ binding: "SEARCH", instance_name: "docs" }],
        media: { binding: "MEDIA" },
        dispatch_namespaces: [{ binding: "DISPATCH", namespace: "customers" }],
        vpc_services: [{ binding: "VPC", service_id: "x" }],
        mtls_certificates: [{ binding: "CERTIFICATE", certificate_id: "9c1bb5a0-1f2b-4a5e-8b63-0c5f8a2d7a11" }],
        hyperdrive: [{ binding: "NO_DATABASE", id: "x" }],
        unsafe: {
          bindings: [
            { name: "ODD", type: "odd" },
            { name: "OLD_LIMITER", type: "ratelimit", namespace_id: "2", simple: { limit: 1, period: 60 } },
          ],
        },
        ratelimits: [{ name: "LIMITER", namespace_id: "1", simple: { limit: 3, period: 60 } }],
        secrets_store_secrets: [
          { binding: "STORED", store_id: "s", secret_name: "stored" },
          { binding: "UNSTORED", store_id: "s", secret_name: "unstored" },
        ],
        analytics_engine_datasets: [{ binding: "EVENTS" }],
        pipelines: [{ binding: "RECORDS", stream: "records" }],
        send_email: [{ name: "MAIL", allowed_destination_addresses: ["b@example.com"] }],
        images: { binding: "IMAGES" },
        worker_loaders: [{ binding: "LOADER" }],
        flagship: [{ binding: "FLAGS", app_id: "app" }],
        unsafe_hello_world: [{ binding: "HELLO" }],
        stream: { binding: "VIDEOS" },
        browser: { binding: "BROWSER" },
        assets: { directory: dir, binding: "STATIC" },
        tail_consumers: [{ service: "watcher" }],
        streaming_tail_consumers: [{ service: "watcher" }],
      },
    },
    auth: {
      code: await code("auth"),
      config: { services: [{ binding: "DESK", service: "desk", entrypoint: "Doubler" }] },
    },
    watcher: {
      code: await code("watcher"),
      config: { kv_namespaces: [{ binding: "HEARD" }] },
    },
    echo: {
      code: `export default { async connect(socket) { await socket.readable.pipeTo(socket.writable); }, fetch: () => new Response() }`,
      config: { connect: [{ protocol: "tcp", port }] },
    },
  });
}, 60_000);
afterAll(async () => {
  await running?.close();
  await rm(dir, { recursive: true });
});

test("everything starts; what is missing or not local is said once", () => {
  expect(running.started.warnings.map(({ code: id }) => id).sort()).toEqual([
    "missing-connection-string",
    "missing-secret",
  ]);
});

test("vars, secrets, version metadata", async () => {
  const { names, values, version } = await json<Record<string, unknown>>("/env");
  expect(values).toEqual(["hello", { a: [1, 2] }, true, null, "t0ken", "from .dev.vars"]);
  expect(version).toEqual({ id: "dev", tag: "", timestamp: "1970-01-01T00:00:00.000Z" });
  expect(names).toContain("EXTRA");
  expect(names).not.toContain("UNSET");
});

test("services: fetch, RPC, entrypoints, props, stubs, streams, callbacks, self, cycles", async () => {
  expect(await json("/services")).toEqual({
    fetch: { url: "https://auth.example/path?x=1", method: "POST", body: "body" },
    rpc: true,
    props: { caller: "desk", scopes: ["read"] },
    stub: "hey you",
    stream: "1 2 3",
    calledBack: "called back",
    thrown: { error: "out of range" },
    self: 42,
    cycle: 8,
  });
});

test("what is bound and nowhere says so at the call", async () => {
  const gone = expect.stringContaining('Service "gone" is not running');
  const nothing = { error: expect.stringContaining('exports no "Nothing"') };
  expect(await json("/missing")).toEqual({
    fetch: [503, gone],
    rpc: { error: gone },
    entrypoint: nothing,
    object: nothing,
    objectRpc: nothing,
    workflow: { error: gone },
  });
});

test("what runs on Cloudflare's network only rejects with a message, whatever is called", async () => {
  const results = await json<Record<string, { error: string }>>("/network");
  for (const [name, { error }] of Object.entries(results)) {
    expect(error, name).toMatch(/network only|connection string is missing/);
  }
  expect(results.ai!.error).toMatch(/^env\.AI of desk@production: Workers AI runs on Cloudflare's network only\./);
  expect(results.mtls!.error).toContain("`certificate` and `private_key`");
  expect(results.hyperdrive!.error).toContain("CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_NO_DATABASE");
});

test("rate limiters, also those written as unsafe bindings", async () => {
  expect(await json("/ratelimit")).toEqual({ answers: [true, true, true, false], unsafe: true });
});

test("Secrets Store secrets come from the local variables", async () => {
  expect(await json("/secretsStore")).toEqual([
    { value: "stored value" },
    { error: expect.stringContaining('UNSTORED="…" into .dev.vars') },
  ]);
});

test("Analytics Engine and pipelines take what is sent", async () => {
  expect(await json("/analytics")).toEqual({ sent: {} });
});

test("email goes to the allowed addresses only", async () => {
  const { sent, refused } = await json<Record<string, string>>("/email");
  expect(sent).toBe("object");
  expect(refused).toContain("c@example.com");
});

test("images are transformed", async () => {
  expect(await json("/images")).toEqual({ format: "image/png", width: 1, type: "image/webp" });
});

test("Workers are made at run time", async () => {
  expect(await json("/loader")).toEqual({ text: "made at run time" });
});

test("Flagship, Stream and the like are simulated", async () => {
  expect(await json("/simulated")).toEqual({
    flag: { value: true },
    hello: { value: "world" },
    video: { value: 0 },
    browser: "function",
  });
});

test("assets through their binding", async () => {
  expect(await json("/assets")).toEqual({ text: "hello from a file" });
  expect(await (await running.send("desk", "/hello.txt")).text()).toBe("hello from a file");
});

describe("tail consumers", () => {
  test("another service gets the logs, after the invocation and as they happen", async () => {
    await json("/log");
    await until(async () => {
      const heard = await json<string[]>("/", "watcher");
      return heard.includes("tail:logged by desk") && heard.includes("stream:logged by desk");
    });
  });
});

test("raw ports", async () => {
  const heard = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("ping"));
    socket.on("data", (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.on("error", reject);
  });
  expect(heard).toBe("ping");
});
