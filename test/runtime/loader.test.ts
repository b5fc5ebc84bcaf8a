/** Code that is loaded into the running process: it behaves as it does in a process of its own. */
import { readFileSync } from "node:fs";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { Agent } from "undici";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { TroupeError } from "../../src/errors.ts";
import { connectLocal } from "../../src/lib/unix-origin.ts";
import { createGraphRuntime, type GraphRuntime, type RuntimeEvent, type SwapMode } from "../../src/runtime/index.ts";
import { usesMissing } from "../../src/runtime/loadable.ts";
import { makeCa } from "../bindings/certificates.ts";
import { makeFolder, removeFolder } from "../support/files.ts";
import { graph, type InlineService } from "../support/graph.ts";
import { newestWorkerd } from "../support/workerd.ts";

const dispatcher = new Agent({ connect: connectLocal });
const open: GraphRuntime[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((runtime) => runtime.close()));
});
afterAll(() => dispatcher.destroy());

/** @param deadline for what still runs on code that goes, in ms */
function start(onEvent?: (event: RuntimeEvent) => void, deadline = 400): GraphRuntime {
  const drain = { load: deadline, overlap: deadline, prewarm: deadline, hold: deadline };
  const runtime = createGraphRuntime({ onEvent, load: true, drain });
  open.push(runtime);
  return runtime;
}

async function get(runtime: GraphRuntime, at = "/", service = "gateway", headers: Record<string, string> = {}) {
  const lease = await runtime.acquire(`${service}@production`);
  try {
    const response = await dispatcher.request({
      origin: lease.origin,
      method: "GET",
      path: `http://${service}.localhost${at}`,
      headers,
    });
    return { status: response.statusCode, text: await response.body.text() };
  } finally {
    lease.release();
  }
}

async function failure(work: Promise<unknown>): Promise<TroupeError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof TroupeError) return error;
  throw new Error(`expected a TroupeError, not ${error}`);
}

type Services = Record<string, InlineService>;

/** Swaps to each in turn. @returns the modes */
async function swaps(runtime: GraphRuntime, ...graphs: Services[]): Promise<SwapMode[]> {
  const modes: SwapMode[] = [];
  for (const services of graphs) modes.push((await runtime.swap(graph(services))).mode);
  return modes;
}

const bound = (name: string, service: string, more: Record<string, unknown> = {}) => ({
  name,
  kind: "service",
  entry: { binding: name, service, ...more },
});
const bucket = { name: "FILES", kind: "r2", entry: { binding: "FILES", bucket_name: "files" }, resource: "files" };
const durable = { name: "D", kind: "durable-object", entry: { name: "D", class_name: "D" } };
const DURABLE = `import { DurableObject } from "cloudflare:workers"; export class D extends DurableObject {}`;
const consumer = { name: "jobs", kind: "queue-consumer", entry: { queue: "jobs" }, resource: "jobs" };
const tailed = { name: "logs", kind: "tail-consumer", entry: { service: "logs" } };

/** Collects events, and waits for one. */
function listener() {
  const list: RuntimeEvent[] = [];
  let wake = (): void => {};
  const add = (event: RuntimeEvent): void => {
    list.push(event);
    wake();
  };
  const until = async (isIt: (event: RuntimeEvent) => boolean): Promise<void> => {
    while (!list.some(isIt))
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  return { events: { list, add }, until };
}

/** MiB */
function workerdMemory(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${newestWorkerd()}/status`, "utf8"))![1]) / 1024;
}

const says = (text: string): InlineService => ({
  code: `export default { fetch() { return new Response(${JSON.stringify(text)}) } }`,
});

describe("what is loaded", () => {
  test("a service, from its second edit on; the others keep running as they are", async () => {
    const runtime = start();
    const gateway: InlineService = {
      code: `let calls = 0;
        export default { async fetch(request, env) { return new Response(++calls + " " + await (await env.AUTH.fetch(request)).text()) } }`,
      bindings: [bound("AUTH", "auth")],
    };
    const modes = await swaps(runtime, { gateway, auth: says("1") }, { gateway, auth: says("2") });
    expect((await get(runtime)).text).toBe("1 2");
    modes.push(...(await swaps(runtime, { gateway, auth: says("3") })));
    expect((await get(runtime)).text).toBe("2 3");
    expect((await get(runtime, "/", "auth")).text).toBe("3");
    expect(modes).toEqual(["overlap", "overlap", "load"]);
  });

  test("several services at once", async () => {
    const runtime = start();
    const both = (text: string) => ({ gateway: says(`gateway ${text}`), auth: says(`auth ${text}`) });
    expect(await swaps(runtime, both("1"), both("2"), both("3"))).toEqual(["overlap", "overlap", "load"]);
    expect([(await get(runtime)).text, (await get(runtime, "/", "auth")).text]).toEqual(["gateway 3", "auth 3"]);
  });

  test("a service beside Durable Objects, which stay as they are, in memory too", async () => {
    const runtime = start();
    const counter: InlineService = {
      code: `import { DurableObject } from "cloudflare:workers";
        export class Counter extends DurableObject { n = 0; add() { return ++this.n } }
        export default { async fetch(request, env) {
          return new Response(await env.COUNTER.get(env.COUNTER.idFromName("a")).add() + " " + await (await env.AUTH.fetch(request)).text());
        } }`,
      bindings: [
        { name: "COUNTER", kind: "durable-object", entry: { name: "COUNTER", class_name: "Counter" } },
        bound("AUTH", "auth"),
      ],
    };
    const modes = await swaps(runtime, { gateway: counter, auth: says("1") }, { gateway: counter, auth: says("2") });
    expect((await get(runtime)).text).toBe("1 2");
    modes.push(...(await swaps(runtime, { gateway: counter, auth: says("3") })));
    expect((await get(runtime)).text).toBe("2 3");
    expect(modes).toEqual(["hold", "hold", "load"]);
  });

  const plain = (version: number, before: string): string =>
    `${before}\nexport default { fetch() { return new Response("${version}") } }`;

  test.each<[string, (version: number) => InlineService]>([
    ["uses the Cache API", (n) => ({ code: plain(n, "const put = () => caches.default;") })],
    ["passes its exports on", (n) => ({ code: plain(n, "const own = (ctx) => ctx.exports.default;") })],
    ["takes its exports apart", (n) => ({ code: plain(n, "const own = ({ exports }) => exports.default;") })],
    ["binds what cannot be passed on", (n) => ({ ...says(`${n}`), bindings: [bucket] })],
    ["has a Durable Object", (n) => ({ code: plain(n, DURABLE), bindings: [durable] })],
    ["has another service's log", (n) => ({ ...says(`${n}`), bindings: [tailed] })],
    ["receives from a queue", (n) => ({ ...says(`${n}`), bindings: [consumer] })],
    [
      "is in service-worker syntax",
      (n) => ({ code: `addEventListener("fetch", () => ${n})`, format: "service-worker" }),
    ],
    ["exports another name", (n) => ({ code: plain(n, `export class Named${n} {}`) })],
    ["gets another variable", (n) => ({ ...says(`${n}`), secrets: { N: `${n}` } })],
    ["is older than RPC", (n) => ({ ...says(`${n}`), environment: { compatibilityDate: "2024-01-01" } })],
  ])("not a service that %s", async (_what, change) => {
    const runtime = start();
    const modes = await swaps(runtime, ...[1, 2, 3].map((version) => ({ gateway: change(version), logs: says("") })));
    expect(modes).not.toContain("load");
  });

  test("not under a debugger, and not when another process is asked for", async () => {
    const runtime = start();
    await swaps(runtime, { gateway: says("1") }, { gateway: says("2") });
    expect((await runtime.swap(graph({ gateway: says("3") }, { restart: true }))).mode).toBe("overlap");
    expect((await runtime.swap(graph({ gateway: says("4") }))).mode).toBe("load");
    const inspectorPort = 0;
    expect((await runtime.swap(graph({ gateway: says("5") }, { inspectorPort }))).mode).toBe("overlap");
    expect((await runtime.swap(graph({ gateway: says("6") }, { inspectorPort }))).mode).toBe("hold");
    expect((await get(runtime)).text).toBe("6");
  });

  test("nothing, unless it is asked for", async () => {
    const runtime = createGraphRuntime();
    open.push(runtime);
    expect(await swaps(runtime, ...["1", "2", "3"].map((text) => ({ gateway: says(text) })))).not.toContain("load");
  });
});

test("what loaded code does not have is found in the text", () => {
  const missing = [
    "caches.default.match(r)",
    "const c = await caches.open('x')",
    "const c = caches;",
    "use(caches)",
    "globalThis.caches",
    "const { caches } = globalThis",
    "typeof caches === 'object'",
    "ctx.exports.Named",
    "const { exports: own } = ctx",
    "const { env, exports } = this.ctx",
    "import { exports } from 'cloudflare:workers'",
    'this.ctx["exports"]',
  ];
  const there = [
    "// it caches its own, and shared caches.\n",
    "module.exports = 1; exports.x = 2; exports2.y; a_exports.z",
    "(mod = { exports: {} }).exports, mod), mod.exports",
    '"a.js"(exports, module) {}',
    "#caches = 1",
  ];
  expect(missing.filter((code) => !usesMissing(code))).toEqual([]);
  expect(there.filter(usesMissing)).toEqual([]);
});

describe("loaded code", () => {
  test("is called as it would be: RPC, properties, paths, stubs, streams, props, itself", async () => {
    const runtime = start();
    const calls: Record<string, string> = {
      method: `N.hello("a")`,
      property: `N.answer`,
      "path through a getter": `N.target.next()`,
      "path through a result": `N.make().next()`,
      "path through an object": `N.deep.a.b(3)`,
      function: `(await N.twice())(4)`,
      callback: `N.call((x) => x + 1)`,
      stub: `N.make().then(async (t) => [await t.next(), await t.next()])`,
      "stream out": `new Response(await N.stream()).text()`,
      "stream in": `N.eat(new Response("food").body)`,
      response: `N.response().then(async (r) => [r.status, await r.text(), r.headers.get("a")])`,
      error: `N.fail()`,
      "missing method": `N.nothing()`,
      "own property": `N.ctx`,
      fetch: `(await N.fetch("http://a/b")).text()`,
      "method of an object": `D.greet("z")`,
      "error in fetch": `D.fetch("http://a/throw")`,
      "no response": `D.fetch("http://a/nothing")`,
      redirect: `D.fetch("http://a/redirect", { redirect: "manual" }).then((r) => [r.status, r.headers.get("location")])`,
      body: `D.fetch("http://a/echo", { method: "POST", body: "abc", cf: { colo: "X" } }).then(async (r) => [await r.text(), ...r.headers])`,
      cookies: `D.fetch("http://a/cookies").then((r) => [r.status, r.headers.getSetCookie()])`,
      websocket: `webSocket(D)`,
      "to itself": `D.fetch("http://a/self").then((r) => r.text())`,
    };
    const caller: InlineService = {
      code: `const CALLS = {${Object.entries(calls).map(([name, call]) => `${JSON.stringify(name)}: async (N, D) => ${call}`)}};
        async function webSocket(D) {
          const { webSocket } = await D.fetch("http://a/ws", { headers: { upgrade: "websocket" } });
          webSocket.accept();
          const answer = new Promise((resolve) => webSocket.addEventListener("message", ({ data }) => resolve(data)));
          webSocket.send("hi");
          return answer.finally(() => webSocket.close());
        }
        export default { async fetch(request, env) {
          const results = {};
          for (const [name, call] of Object.entries(CALLS)) {
            results[name] = await call(env.N, env.D).catch((error) => [error.name, error.message, Object.entries(error)]);
          }
          return Response.json(results);
        } }`,
      bindings: [bound("N", "auth", { entrypoint: "Named", props: { role: "admin" } }), bound("D", "auth")],
    };
    const auth = (version: number): InlineService => ({
      code: `import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
        const version = ${version};
        class Counter extends RpcTarget { n = 0; next() { return ++this.n } }
        export class Named extends WorkerEntrypoint {
          get answer() { return 42 } get target() { return new Counter() } get deep() { return { a: { b: (x) => x + 1 } } }
          hello(name) { return name + " " + this.ctx.props.role }
          make() { return new Counter() } twice() { return (x) => x * 2 } call(f) { return f(5) }
          stream() { return new Response("streamed").body } eat(body) { return new Response(body).text() }
          response() { return new Response("r", { status: 201, headers: { a: "b" } }) }
          fail() { throw Object.assign(new TypeError("bad"), { code: "E1" }) }
          fetch(request) { return new Response(request.url + this.ctx.props.role) }
        }
        export default {
          greet(name) { return "greetings " + name },
          async fetch(request, env) {
            switch (new URL(request.url).pathname) {
              case "/throw": throw new RangeError("in fetch");
              case "/nothing": return;
              case "/redirect": return Response.redirect("http://else/where");
              case "/echo": return new Response(request.body, { headers: { method: request.method, cf: JSON.stringify(request.cf) } });
              case "/cookies": return new Response(null, { status: 204, headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] });
              case "/self": return new Response(await env.SELF.hello("me"));
              case "/ws": {
                const [client, server] = Object.values(new WebSocketPair());
                server.accept();
                server.addEventListener("message", ({ data }) => server.send("got " + data));
                return new Response(null, { status: 101, webSocket: client });
              }
            }
            return new Response("version " + version);
          },
        }`,
      bindings: [bound("SELF", "auth", { entrypoint: "Named", props: { role: "self" } })],
    });
    const before = await swaps(runtime, { gateway: caller, auth: auth(1) });
    const asItWouldBe = JSON.parse((await get(runtime)).text) as Record<string, unknown>;
    const modes = await swaps(runtime, { gateway: caller, auth: auth(2) }, { gateway: caller, auth: auth(3) });
    expect([...before, ...modes]).toEqual(["overlap", "overlap", "load"]);
    expect(JSON.parse((await get(runtime)).text)).toEqual(asItWouldBe);
    expect((await get(runtime, "/", "auth")).text).toBe("version 3");
    expect(Object.keys(await runtime.bindings("auth@production"))).toEqual(["SELF"]);
    expect(Object.keys(asItWouldBe)).toEqual(Object.keys(calls));
    expect(asItWouldBe).toMatchObject({
      method: "a admin",
      property: 42,
      "path through a getter": 1,
      websocket: "got hi",
    });
  });

  test("finds its bindings, and nothing of ours", async () => {
    const runtime = start();
    const gateway = (version: number): InlineService => ({
      code: `import { env as imported, WorkerEntrypoint } from "cloudflare:workers";
        import path from "node:path";
        const atStart = Object.keys(imported);
        export default { async fetch(request, env, ctx) {
          await env.DB.exec("CREATE TABLE IF NOT EXISTS hits (n)");
          await env.DB.prepare("INSERT INTO hits VALUES (?)").bind(${version}).run();
          return Response.json({
            version: ${version}, names: Object.keys(env), atStart, secret: env.SECRET, json: env.LIMITS.max, fromProcess: process.env.SECRET,
            rows: (await env.DB.prepare("SELECT n FROM hits").all()).results.length, joined: path.join("a", "b"), url: request.url, cf: request.cf?.colo,
          });
        } }`,
      secrets: { SECRET: "hidden" },
      environment: { compatibilityFlags: ["nodejs_compat"] },
      bindings: [
        { name: "LIMITS", kind: "var", entry: { value: { max: 3 } } },
        { name: "DB", kind: "d1", entry: { binding: "DB" }, resource: "db" },
      ],
    });
    const answer = async (): Promise<Record<string, unknown>> =>
      JSON.parse((await get(runtime, "/x?y", "gateway", { "mf-cf-blob": JSON.stringify({ colo: "TXL" }) })).text);
    const modes = await swaps(runtime, { gateway: gateway(1) });
    const plain = await answer();
    modes.push(...(await swaps(runtime, { gateway: gateway(2) }, { gateway: gateway(3) })));
    const loaded = await answer();
    expect(modes).toEqual(["prewarm", "prewarm", "load"]);
    expect(plain).toMatchObject({
      names: expect.arrayContaining(["LIMITS", "DB", "SECRET"]),
      secret: "hidden",
      json: 3,
    });
    expect(plain).toMatchObject({ fromProcess: "hidden", url: "http://gateway.localhost/x?y", cf: "TXL", rows: 1 });
    expect(loaded).toEqual({ ...plain, version: 3, rows: 2, names: expect.any(Array), atStart: expect.any(Array) });
    expect([(loaded.names as string[]).sort(), (loaded.atStart as string[]).sort()]).toEqual([
      (plain.names as string[]).sort(),
      (plain.atStart as string[]).sort(),
    ]);
  });

  test("presents its client certificate", async () => {
    const ca = await makeCa("Test CA");
    const [host, client] = await Promise.all([ca.sign("localhost", ["localhost"]), ca.sign("client")]);
    const dir = makeFolder({ "ca.pem": ca.certificate, "client.pem": client.certificate, "client.key": client.key });
    const server = https.createServer(
      { key: host.key, cert: host.certificate, ca: ca.certificate, requestCert: true, rejectUnauthorized: true },
      (request, response) => response.end((request.socket as TLSSocket).getPeerCertificate().subject.CN),
    );
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const gateway = (version: number): InlineService => ({
        code: `export default { async fetch(request, env) {
          return new Response(${version} + await (await env.CLIENT.fetch("https://localhost:${port}/")).text());
        } }`,
        environment: { dir },
        bindings: [
          {
            name: "CLIENT",
            kind: "mtls-certificate",
            entry: { binding: "CLIENT", certificate: "client.pem", private_key: "client.key", ca: "ca.pem" },
          },
        ],
      });
      const runtime = start();
      const modes = await swaps(runtime, { gateway: gateway(1) }, { gateway: gateway(2) }, { gateway: gateway(3) });
      expect([modes.at(-1), (await get(runtime)).text]).toEqual(["load", "3client"]);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      removeFolder(dir);
    }
  });

  test("has its modules of every type", async () => {
    const runtime = start();
    const spec = (version: number) => {
      const gateway = graph({
        gateway: {
          code: `import text from "./a.txt"; import data from "./b.bin"; import json from "./c.json"; import module from "./d.wasm"; import cjs from "./e.cjs";
            export default { async fetch() {
              return Response.json([${version}, text, [...new Uint8Array(data)], json, typeof new WebAssembly.Instance(module), cjs, (await import("./lazy.js")).lazy]);
            } }`,
        },
      });
      const bytes = (text: string) => new TextEncoder().encode(text);
      gateway.workers[0]!.bundle.modules.push(
        { name: "a.txt", type: "text", contents: bytes("hello") },
        { name: "b.bin", type: "data", contents: new Uint8Array([0, 255, 7]) },
        { name: "c.json", type: "json", contents: bytes('{"a":1}') },
        { name: "d.wasm", type: "wasm", contents: new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]) },
        { name: "e.cjs", type: "cjs", contents: bytes("module.exports = { b: 2 };") },
        { name: "lazy.js", type: "esm", contents: bytes('export const lazy = "late";') },
      );
      return gateway;
    };
    const modes = [];
    for (const version of [1, 2, 3]) modes.push((await runtime.swap(spec(version))).mode);
    expect(modes).toEqual(["overlap", "overlap", "load"]);
    const found = JSON.parse((await get(runtime)).text);
    expect(found).toEqual([3, "hello", [0, 255, 7], { a: 1 }, "object", { b: 2 }, "late"]);
  });

  test.each([
    ["", "from inside"],
    [`import { waitUntil } from "cloudflare:workers"; export const later = waitUntil;`, "by the tail Worker"],
  ])("has its logs and exceptions told like any other %s %s", async (before) => {
    const { events, until } = listener();
    const runtime = start(events.add);
    const gateway: InlineService = {
      ...says("x"),
      code: `export default { fetch(request, env) { return env.AUTH.fetch(request) } }`,
      bindings: [bound("AUTH", "auth")],
    };
    const auth = (version: number): InlineService => ({
      code: `${before}
        export default { fetch() { console.warn("version", ${version}, { deep: { er: 1 } }); throw new TypeError("on purpose ${version}"); } }`,
    });
    await swaps(runtime, { gateway, auth: auth(1) }, { gateway, auth: auth(2) }, { gateway, auth: auth(3) });
    expect((await get(runtime, "/", "auth", { "cf-ray": "ray-1" })).status).toBe(500);
    await until((event) => event.type === "exception");
    expect(events.list.filter((event) => event.type === "log")).toMatchObject([
      { worker: "auth@production", level: "warn", message: "version 3 { deep: { er: 1 } }" },
    ]);
    expect(events.list.filter((event) => event.type === "exception")).toMatchObject([
      { worker: "auth@production", name: "TypeError", message: "on purpose 3", ray: "ray-1" },
    ]);
    expect((await get(runtime, "/", "gateway", { "cf-ray": "ray-2" })).status).toBe(500);
    await until((event) => event.type === "exception" && event.worker === "gateway@production");
  });

  test("handles cron and email", async () => {
    const { events, until } = listener();
    const runtime = start(events.add);
    const gateway = (version: number): InlineService => ({
      code: `export default {
        fetch() { return new Response() },
        scheduled(controller) { console.log(${version}, controller.cron, controller.scheduledTime); if (controller.cron === "bad") throw new Error("no"); if (controller.cron === "once") controller.noRetry(); },
        email(message) { console.log(${version}, message.from); if (message.from.startsWith("spam")) message.setReject("no spam"); },
      }`,
    });
    await swaps(runtime, { gateway: gateway(1) }, { gateway: gateway(2) }, { gateway: gateway(3) });
    const scheduled = (cron: string) => runtime.scheduled("gateway@production", { cron, time: new Date(7000) });
    expect(await scheduled("ok")).toEqual({ outcome: "ok", noRetry: false });
    expect(await scheduled("bad")).toMatchObject({ outcome: "exception" });
    expect(await scheduled("once")).toEqual({ outcome: "ok", noRetry: true });
    const raw = Buffer.from("From: a@b.c\r\nTo: x@y.z\r\nMessage-ID: <1@b.c>\r\n\r\nhello");
    const email = (from: string) => runtime.email("gateway@production", { from, to: "x@y.z", raw });
    expect((await email("a@b.c")).status).toBe(200);
    expect(await email("spam@b.c")).toMatchObject({ status: 400, text: expect.stringContaining("no spam") });
    await until((event) => event.type === "log" && event.message === "3 spam@b.c");
    expect(events.list.filter((event) => event.type === "log").map((event) => event.message)).toEqual([
      "3 ok 7000",
      "3 bad 7000",
      "3 once 7000",
      "3 a@b.c",
      "3 spam@b.c",
    ]);
  });
});

describe("what goes", () => {
  /** For what is to end by itself, on the busiest machine. In ms. */
  const LONG = 60_000;
  const streaming = (version: string, chunks: number): InlineService => ({
    code: `export default { fetch(request) {
      if (!request.url.endsWith("/stream")) return new Response("${version}");
      let n = 0;
      return new Response(new ReadableStream({ async pull(controller) {
        await scheduler.wait(50);
        controller.enqueue(new TextEncoder().encode("${version}"));
        if (++n === ${chunks}) controller.close();
      } }));
    } }`,
  });

  test("no request, under steady load; and nothing old comes once the new code is there", async () => {
    const runtime = start(undefined, LONG);
    await swaps(runtime, { gateway: says("0") }, { gateway: says("1") });
    let newest = 1;
    let stopped = false;
    const problems: string[] = [];
    let answers = 0;
    const clients = Array.from({ length: 8 }, async () => {
      while (!stopped) {
        const least = newest;
        const { status, text } = await get(runtime).catch((error) => ({ status: 0, text: String(error) }));
        answers++;
        if (status !== 200 || Number(text) < least) problems.push(`${status} ${text} after ${least}`);
      }
    });
    for (let version = 2; version <= 30; version++) {
      expect(await swaps(runtime, { gateway: says(`${version}`) })).toEqual(["load"]);
      newest = version;
    }
    stopped = true;
    await Promise.all(clients);
    expect(problems).toEqual([]);
    expect(answers).toBeGreaterThan(100);
  });

  test("finishes what it has begun, and long connections are told to end", async () => {
    const runtime = start(undefined, LONG);
    await swaps(runtime, { gateway: streaming("a", 1) }, { gateway: streaming("b", 6) });
    const old = await runtime.acquire("gateway@production");
    const streamed = get(runtime, "/stream");
    expect(await swaps(runtime, { gateway: streaming("c", 1) })).toEqual(["load"]);
    expect(old.retiring.aborted).toBe(true);
    expect((await get(runtime)).text).toBe("c");
    expect((await streamed).text).toBe("bbbbbb");
    old.release();
    expect((await get(runtime)).text).toBe("c");
  });

  test("ends what does not end by itself, when the time is up", async () => {
    const runtime = start();
    await swaps(runtime, { gateway: says("a") }, { gateway: says("b") });
    const old = await runtime.acquire("gateway@production");
    const ended = new Promise<void>((resolve) => {
      old.holder = { cut: resolve };
    });
    expect(await swaps(runtime, { gateway: says("c") })).toEqual(["load"]);
    await ended;
    old.release();
    expect((await get(runtime)).text).toBe("c");
  });

  test("the process, after 50 loads: its memory with it", async () => {
    const runtime = start();
    const versions = Array.from({ length: 53 }, (_, index) => ({
      gateway: { code: `export default { fetch: () => new Response("${index}") }` },
    }));
    const modes = await swaps(runtime, ...versions);
    expect(modes.flatMap((mode, index) => (mode === "load" ? [] : [index]))).toEqual([0, 1, 52]);
    expect(await get(runtime)).toEqual({ status: 200, text: "52" });
  });

  test("its isolate: 100 loads of a large service need no more memory than 20 do", async () => {
    const runtime = createGraphRuntime({ load: true, drain: { load: 0 } });
    open.push(runtime);
    const large = (version: number): Services => ({
      gateway: {
        code: `const words = ${JSON.stringify(Array.from({ length: 20_000 }, (_unused, index) => `word ${index}`))};
          export default { fetch() { return new Response("${version} " + words.length) } }`,
      },
    });
    const memory: number[] = [];
    for (let version = 0; version <= 100; version++) {
      await swaps(runtime, large(version));
      expect((await get(runtime)).text).toBe(`${version} 20000`);
      if (version % 20 === 0) memory.push(workerdMemory());
    }
    expect(memory.at(-1)! - memory[1]!).toBeLessThan(60);
  }, 60_000);
});

describe("what goes wrong", () => {
  test.each([
    ["throws", `throw new RangeError("at start");`, /gateway throws when it starts: RangeError: at start/],
    ["does not parse", `export default {`, /gateway throws when it starts: SyntaxError/],
    ["imports what is not there", `import "nowhere"; export default {};`, /No such module "nowhere"/],
  ])(
    "code that %s is told in words, what ran before goes on, and the next code is loaded again",
    async (_name, code, message) => {
      const runtime = start();
      await swaps(runtime, { gateway: says("1") }, { gateway: says("2") }, { gateway: says("3") });
      const error = await failure(runtime.swap(graph({ gateway: { code } })));
      expect(error.code).toBe("START");
      expect(error.message).toMatch(message);
      expect((await get(runtime)).text).toBe("3");
      expect(await swaps(runtime, { gateway: says("4") })).toEqual(["load"]);
      expect((await get(runtime)).text).toBe("4");
    },
  );

  test("code that never ends is given up, and what ran before is back", async () => {
    const runtime = start();
    await swaps(runtime, { gateway: says("1") }, { gateway: says("2") }, { gateway: says("3") });
    const error = await failure(
      runtime.swap(graph({ gateway: { code: "for (;;) {}\nexport default {}" } }, { startTimeout: 1 })),
    );
    expect(error.message).toMatch(/does not finish starting within \d s \(gateway\)/);
    expect((await get(runtime)).text).toBe("3");
    expect(await swaps(runtime, { gateway: says("4") })).toEqual(["load"]);
  });

  test("a crash of the process brings the newest code back", async () => {
    const { events, until } = listener();
    const runtime = start(events.add);
    await swaps(runtime, { gateway: says("1") }, { gateway: says("2") }, { gateway: says("3") });
    process.kill(newestWorkerd(), "SIGKILL");
    await until((event) => event.type === "crashed");
    expect((await get(runtime)).text).toBe("3");
    expect(await swaps(runtime, { gateway: says("4") })).toEqual(["load"]);
    expect((await get(runtime)).text).toBe("4");
  });
});
