import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Agent } from "undici";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { TroupeError } from "../../src/errors.ts";
import { connectLocal } from "../../src/lib/unix-origin.ts";
import { createGraphRuntime, type GraphRuntime, type RuntimeEvent } from "../../src/runtime/index.ts";
import { reaper } from "../../src/runtime/reaper.ts";
import { graph, type InlineService } from "../support/graph.ts";

const dispatcher = new Agent({ connect: connectLocal });
const open: GraphRuntime[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((runtime) => runtime.close()));
});
afterAll(async () => {
  await dispatcher.destroy();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function start(onEvent?: (event: RuntimeEvent) => void): GraphRuntime {
  const runtime = createGraphRuntime({ onEvent, drain: { overlap: 30_000, prewarm: 30_000, hold: 30_000 } });
  open.push(runtime);
  return runtime;
}

function temporary(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "troupe-data-"));
  folders.push(folder);
  return folder;
}

async function get(
  runtime: GraphRuntime,
  at = "/",
  service = "gateway",
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const lease = await runtime.acquire(`${service}@production`);
  try {
    // As the front door does: the absolute URL in the request line is what `request.url` says.
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

const answers = (text: string): InlineService => ({
  code: `export default { fetch() { return new Response(${JSON.stringify(text)}) } }`,
});

describe("calls between services", () => {
  test("fetch, RPC, entrypoints with props, cycles and itself, in one process", async () => {
    const runtime = start();
    await runtime.swap(
      graph({
        gateway: {
          code: `
            import { WorkerEntrypoint } from "cloudflare:workers";
            export class Back extends WorkerEntrypoint { hello(name) { return "back to " + name } }
            export default { async fetch(request, env) {
              const stub = await env.VERIFIER.counter();
              return Response.json([
                await (await env.AUTH.fetch(request)).text(),
                await env.VERIFIER.verify("me"), await stub.next(), await stub.next(),
                await env.SELF.hello("myself"), await env.VERIFIER.viaCaller(),
                await new Response(await env.VERIFIER.stream()).text(),
              ]);
            } }`,
          bindings: [
            { name: "AUTH", kind: "service", entry: { binding: "AUTH", service: "auth" } },
            {
              name: "VERIFIER",
              kind: "service",
              entry: { binding: "VERIFIER", service: "auth", entrypoint: "Verifier", props: { role: "admin" } },
            },
            { name: "SELF", kind: "service", entry: { binding: "SELF", service: "gateway", entrypoint: "Back" } },
          ],
        },
        auth: {
          reachable: false,
          code: `
            import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
            class Counter extends RpcTarget { n = 0; next() { return ++this.n } }
            export class Verifier extends WorkerEntrypoint {
              verify(name) { return name + " is " + this.ctx.props.role }
              counter() { return new Counter() }
              viaCaller() { return this.env.GATEWAY.hello("auth") }
              stream() { return new Response("streamed").body }
            }
            export default { fetch() { return new Response("auth") } }`,
          bindings: [
            { name: "GATEWAY", kind: "service", entry: { binding: "GATEWAY", service: "gateway", entrypoint: "Back" } },
          ],
        },
      }),
    );
    const { text } = await get(runtime);
    expect(JSON.parse(text)).toEqual(["auth", "me is admin", 1, 2, "back to myself", "back to auth", "streamed"]);
    expect((await failure(runtime.acquire("auth@production"))).code).toBe("NOT_FOUND");
  });

  test("what is missing answers 503 and rejects RPC, both saying why; everything else runs", async () => {
    const runtime = start();
    await runtime.swap(
      graph({
        gateway: {
          code: `export default { async fetch(request, env) {
            if (request.url.endsWith("/fetch")) return env.NOBODY.fetch(request);
            if (request.url.endsWith("/rpc")) return new Response(await env.NOBODY.verify().catch((error) => error.message));
            if (request.url.endsWith("/entrypoint")) return new Response(await env.NOTHING.verify().catch((error) => error.message));
            return new Response("fine");
          } }`,
          bindings: [
            { name: "NOBODY", kind: "service", entry: { binding: "NOBODY", service: "nobody" } },
            { name: "NOTHING", kind: "service", entry: { binding: "NOTHING", service: "auth", entrypoint: "Absent" } },
          ],
        },
        auth: answers("auth"),
      }),
    );
    expect(await get(runtime)).toEqual({ status: 200, text: "fine" });
    expect(await get(runtime, "/fetch")).toMatchObject({
      status: 503,
      text: expect.stringContaining('Service "nobody" is not running'),
    });
    expect((await get(runtime, "/rpc")).text).toContain('Service "nobody" is not running');
    expect((await get(runtime, "/entrypoint")).text).toBe('Service "auth" exports no "Absent"');
  });
});

test("a variable may have the name of something that every object has", async () => {
  const runtime = start();
  const bindings = [{ name: "constructor", kind: "var", entry: { value: "mine" } }];
  const code = "export default { fetch: (request, env) => new Response(env.constructor) }";
  await runtime.swap(graph({ gateway: { code, bindings } }));
  expect((await get(runtime)).text).toBe("mine");
});

test("the Cache API works where code uses it, and from Node when that is asked for", async () => {
  const runtime = createGraphRuntime({ caches: true });
  open.push(runtime);
  const caching: InlineService = {
    code: `export default { async fetch(request) {
      await caches.default.put(request.url, new Response("kept", { headers: { "cache-control": "max-age=60" } }));
      return caches.default.match(request.url);
    } }`,
  };
  await runtime.swap(graph({ gateway: answers("nothing kept"), cache: caching }));
  expect((await get(runtime, "/", "cache")).text).toBe("kept");
  const fromNode = (await runtime.caches()) as { default: { match(url: string): Promise<Response | undefined> } };
  expect(await (await fromNode.default.match("http://cache.localhost/"))?.text()).toBe("kept");
});

describe("logs and exceptions", () => {
  test("say which service, as it happens, nicely formatted, with the request's ray", async () => {
    const events: RuntimeEvent[] = [];
    let wake = (): void => {};
    const runtime = start((event) => {
      events.push(event);
      wake();
    });
    const until = async (done: () => boolean): Promise<void> => {
      while (!done())
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    };
    await runtime.swap(
      graph({
        gateway: {
          code: `export default { async fetch(request, env) {
            console.log("hello %s", "you", new Map([[1, { a: 2 }]]));
            console.warn({ deep: { er: 1 } });
            await env.AUTH.fetch(request);
            throw new TypeError("on purpose");
          } }`,
          bindings: [{ name: "AUTH", kind: "service", entry: { binding: "AUTH", service: "auth" } }],
        },
        auth: { code: `export default { fetch() { console.error("from auth"); return new Response() } }` },
      }),
    );
    expect((await get(runtime, "/", "gateway", { "cf-ray": "ray-1" })).status).toBe(500);
    await until(() => events.some((event) => event.type === "exception"));
    expect(
      events.filter((event) => event.type === "log").map(({ worker, level, message }) => [worker, level, message]),
    ).toEqual([
      ["gateway@production", "log", "hello you Map(1) { 1 => { a: 2 } }"],
      ["gateway@production", "warn", "{ deep: { er: 1 } }"],
      ["auth@production", "error", "from auth"],
    ]);
    expect(events.find((event) => event.type === "exception")).toMatchObject({
      worker: "gateway@production",
      name: "TypeError",
      message: "on purpose",
      ray: "ray-1",
    });
  });
});

const written = { file: "/inline/troupe.toml", path: ["compatibility_date"], environment: "production" };

describe("starting", () => {
  test.each([
    ["throws", `throw new RangeError("at start");`, /gateway throws when it starts: RangeError: at start/],
    ["does not parse", `export default {`, /gateway throws when it starts: SyntaxError/],
    ["imports what is not there", `import "nowhere"; export default {};`, /No such module "nowhere"/],
  ])("code that %s is told in words, and what ran before goes on", async (_name, code, message) => {
    const runtime = start();
    await runtime.swap(graph({ gateway: answers("old") }));
    const error = await failure(runtime.swap(graph({ gateway: { code } })));
    expect(error.code).toBe("START");
    expect(error.message).toMatch(message);
    expect((await get(runtime)).text).toBe("old");
  });

  test("an endless loop is given up", async () => {
    const runtime = start();
    const error = await failure(runtime.swap(graph({ gateway: { code: "for (;;) {}" } }, { startTimeout: 600 })));
    expect(error.message).toMatch(/does not finish starting within 1 s \(gateway\)/);
  });

  test("a date that the runtime does not know yet is clamped, with a warning", async () => {
    const runtime = start();
    const { warnings } = await runtime.swap(
      graph({
        gateway: {
          ...answers("x"),
          environment: { compatibilityDate: "2099-01-01", written: { compatibility_date: written } },
        },
      }),
    );
    expect(warnings.map((warning) => warning.message)).toEqual([
      expect.stringMatching(/2099-01-01 is newer than this runtime knows/),
    ]);
    expect((await get(runtime)).text).toBe("x");
  });
});

describe("swapping", () => {
  const counter = (version: string): InlineService => ({
    code: `
      import { DurableObject } from "cloudflare:workers";
      export class Counter extends DurableObject {
        add() { this.ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS hits (at)"); this.ctx.storage.sql.exec("INSERT INTO hits VALUES (1)"); return this.ctx.storage.sql.exec("SELECT count(*) AS n FROM hits").one().n; }
      }
      export default { async fetch(request, env) { return Response.json(["${version}", await env.COUNTER.get(env.COUNTER.idFromName("a")).add()]) } }`,
    bindings: [{ name: "COUNTER", kind: "durable-object", entry: { name: "COUNTER", class_name: "Counter" } }],
  });
  const store = (version: string): InlineService => ({
    code: `export default { async fetch(request, env) {
      const key = new URL(request.url).pathname;
      if (request.headers.get("x-read")) return new Response(await env.CACHE.get(key));
      await env.CACHE.put(key, "${version}"); return new Response("${version}");
    } }`,
    bindings: [{ name: "CACHE", kind: "kv", entry: { binding: "CACHE" }, resource: "cache" }],
  });

  /** Hits the gateway from several clients until told to stop; every answer must be a 200. */
  function load(runtime: GraphRuntime, clients: number): { stop(): Promise<{ texts: string[]; failed: string[] }> } {
    const texts: string[] = [];
    const failed: string[] = [];
    let stopped = false;
    const loops = Array.from({ length: clients }, async (_unused, client) => {
      for (let index = 0; !stopped; index++) {
        try {
          const { status, text } = await get(runtime, `/${client}-${index}`);
          if (status === 200) texts.push(text);
          else failed.push(`${status} ${text}`);
        } catch (error) {
          failed.push(String((error as Error).cause ?? error));
        }
      }
    });
    return {
      async stop() {
        stopped = true;
        await Promise.all(loops);
        return { texts, failed };
      },
    };
  }

  test("overlap: without data on disk there is no pause, and no request is lost", async () => {
    const runtime = start();
    await runtime.swap(graph({ gateway: answers("1") }));
    const traffic = load(runtime, 10);
    const results = [];
    for (const version of ["2", "3", "4"]) results.push(await runtime.swap(graph({ gateway: answers(version) })));
    expect((await get(runtime)).text).toBe("4");
    const { texts, failed } = await traffic.stop();
    expect(failed).toEqual([]);
    expect([...new Set(texts)].sort().slice(0, 3)).toEqual(["1", "2", "3"]);
    expect(results.map(({ mode, paused }) => [mode, paused])).toEqual(Array(3).fill(["overlap", 0]));
  });

  test("prewarm: with KV, every acknowledged write is there afterwards", async () => {
    const runtime = start();
    const persistTo = temporary();
    await runtime.swap(graph({ gateway: store("1") }, { persistTo }));
    const written = await get(runtime, "/first");
    const traffic = load(runtime, 5);
    const { mode } = await runtime.swap(graph({ gateway: store("2") }, { persistTo }));
    await runtime.swap(graph({ gateway: store("3") }, { persistTo }));
    const { texts, failed } = await traffic.stop();
    expect([mode, written.text, failed]).toEqual(["prewarm", "1", []]);
    expect(texts.length).toBeGreaterThan(0);
    expect((await get(runtime, "/first", "gateway", { "x-read": "1" })).text).toBe("1");
    for (let client = 0; client < 5; client++) {
      expect((await get(runtime, `/${client}-0`, "gateway", { "x-read": "1" })).text).toMatch(/^[123]$/);
    }
  });

  test("hold: a Durable Object goes on counting where it was, nothing is lost", async () => {
    const runtime = start();
    const persistTo = temporary();
    await runtime.swap(graph({ gateway: counter("1") }, { persistTo }));
    const traffic = load(runtime, 5);
    const { mode, paused } = await runtime.swap(graph({ gateway: counter("2") }, { persistTo }));
    const { texts, failed } = await traffic.stop();
    expect([mode, failed, paused > 0]).toEqual(["hold", [], true]);
    const counts = texts.map((text) => (JSON.parse(text) as [string, number])[1]).sort((a, b) => a - b);
    expect(counts).toEqual(Array.from({ length: counts.length }, (_unused, index) => index + 1));
    expect(JSON.parse((await get(runtime)).text)).toEqual(["2", counts.length + 1]);
  });

  test("hold: a version that cannot start leaves the old one running with its data", async () => {
    const runtime = start();
    await runtime.swap(graph({ gateway: counter("1") }));
    await get(runtime);
    const broken = counter("2");
    const error = await failure(
      runtime.swap(graph({ gateway: { ...broken, code: `${broken.code}; throw new Error("no")` } })),
    );
    expect(error.code).toBe("START");
    expect(JSON.parse((await get(runtime)).text)).toEqual(["1", 2]);
  });

  test("hold: nor does one that has started before and cannot now", async () => {
    const runtime = start();
    await runtime.swap(graph({ gateway: counter("1") }));
    await get(runtime);
    const broken = counter("2");
    const traffic = load(runtime, 2);
    const error = await failure(
      runtime.swap(graph({ gateway: { ...broken, code: `${broken.code}; throw new Error("no")` } }, { proved: true })),
    );
    const { failed } = await traffic.stop();
    expect([error.code, failed]).toEqual(["START", []]);
    expect(JSON.parse((await get(runtime)).text)[0]).toBe("1");
  });

  test("what is kept in memory lasts over swaps, and is gone with the runtime", async () => {
    const runtime = start();
    await runtime.swap(graph({ gateway: store("1") }));
    await get(runtime, "/key");
    await runtime.swap(graph({ gateway: store("2") }));
    expect((await get(runtime, "/key", "gateway", { "x-read": "1" })).text).toBe("1");
  });
});

test("scheduled runs the handler and tells its outcome", async () => {
  const events: RuntimeEvent[] = [];
  const runtime = start((event) => events.push(event));
  await runtime.swap(
    graph({
      gateway: {
        code: `export default { fetch() { return new Response() }, scheduled(controller) { console.log(controller.cron, controller.scheduledTime); if (controller.cron === "bad") throw new Error("no"); } }`,
      },
    }),
  );
  expect(await runtime.scheduled("gateway@production", { cron: "*/5 * * * *", time: new Date(7000) })).toMatchObject({
    outcome: "ok",
  });
  expect(await runtime.scheduled("gateway@production", { cron: "bad" })).toMatchObject({ outcome: "exception" });
  expect(events.filter((event) => event.type === "log")[0]).toMatchObject({ message: "*/5 * * * * 7000" });
});

test("temporary folders are gone when a runtime is closed", async () => {
  const { folder } = reaper();
  const before = new Set(readdirSync(folder));
  const runtime = start();
  await runtime.swap(graph({ gateway: answers("x") }));
  const own = readdirSync(folder).filter((name) => !before.has(name));
  expect(own).toContainEqual(expect.stringMatching(/^miniflare-/));
  await runtime.close();
  expect(own.filter((name) => existsSync(path.join(folder, name)))).toEqual([]);
});
