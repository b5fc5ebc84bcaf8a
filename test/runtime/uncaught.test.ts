import { Agent } from "undici";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connectLocal } from "../../src/lib/unix-origin.ts";
import { createGraphRuntime, type GraphRuntime, type RuntimeEvent } from "../../src/runtime/index.ts";
import type { GraphSpec } from "../../src/runtime/types.ts";
import { graph } from "../support/graph.ts";

type Exception = Extract<RuntimeEvent, { type: "exception" }>;

const dispatcher = new Agent({ connect: connectLocal });
let runtime: GraphRuntime;
let events: RuntimeEvent[] = [];
let wake = (): void => {};

async function start(spec: GraphSpec): Promise<void> {
  runtime = createGraphRuntime({
    onEvent(event) {
      events.push(event);
      wake();
    },
  });
  await runtime.swap(spec);
}

afterEach(() => {
  events = [];
});
afterAll(() => dispatcher.destroy());

const exceptions = (): Exception[] => events.filter((event) => event.type === "exception");

async function told(count: number): Promise<Exception[]> {
  while (exceptions().length < count)
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  return exceptions();
}

async function get(at: string, service = "gateway"): Promise<{ status: number; text: string }> {
  const lease = await runtime.acquire(`${service}@production`);
  try {
    const { statusCode, body } = await dispatcher.request({
      origin: lease.origin,
      method: "GET",
      path: `http://${service}.localhost/${at}`,
      headers: { "cf-ray": `ray-${at}` },
    });
    return { status: statusCode, text: await body.text() };
  } finally {
    lease.release();
  }
}

/** One line per exception: who, what, in which request, and the innermost function. */
function lines(given: Exception[]): string[] {
  return given.map(({ worker, name, message, ray, stack, again }) => {
    const at = /at (?:async )?(?:new )?([\w.]+)/.exec(stack ?? "")?.[1] ?? "-";
    return `${worker.split("@")[0]} ${name}: ${message} [${ray ?? "-"}] ${at}${again ? " (again)" : ""}`;
  });
}

const bound = (binding: string, service: string, entrypoint?: string) => ({
  name: binding,
  kind: "service",
  entry: { binding, service, ...(entrypoint && { entrypoint }) },
});

const GATEWAY = `
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";

export class Counter extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    if (ctx.id.name === "constructor") throw new Error("in the constructor");
    if (ctx.id.name === "block") ctx.blockConcurrencyWhile(async () => { throw new Error("in blockConcurrencyWhile") });
  }
  explode() { throw new RangeError("in a method") }
  async fetch() { throw new RangeError("in its fetch") }
  work() { this.ctx.waitUntil(Promise.reject(new Error("in its waitUntil"))) }
  arm() { return this.ctx.storage.setAlarm(Date.now()) }
  async alarm({ isRetry }) { if (!isRetry) throw new Error("in the alarm") }
}

export class Own extends WorkerEntrypoint {
  explode() { throw new Error("to itself") }
  get property() { throw new Error("in a getter") }
}

const again = new Error("the same again");

export default {
  async fetch(request, env, ctx) {
    const counter = (name) => env.COUNTER.get(env.COUNTER.idFromName(name));
    switch (new URL(request.url).pathname.slice(1)) {
      case "error": throw new TypeError("plain", { cause: new RangeError("because") });
      case "string": throw "a string";
      case "object": throw { message: "an object" };
      case "nothing": throw undefined;
      case "no-response": return "text";
      case "wait-until": ctx.waitUntil(Promise.reject(new Error("in waitUntil"))); return new Response();
      case "unhandled": Promise.reject(new Error("not awaited")); return new Response();
      case "timer": setTimeout(() => { throw new Error("in a timer") }); await scheduler.wait(1); return new Response();
      case "same": { const failing = Promise.reject(again); ctx.waitUntil(failing); await failing; }
      case "fetch": return env.AUTH.fetch(request);
      case "rpc": return Response.json(await env.VERIFIER.verify());
      case "own": return Response.json(await env.OWN.explode());
      case "getter": return Response.json(await env.OWN.property);
      case "method": return Response.json(await counter("a").explode());
      case "object-fetch": return counter("a").fetch("http://counter/");
      case "constructor": return Response.json(await counter("constructor").explode());
      case "block": return Response.json(await counter("block").explode());
      case "object-wait": await counter("a").work(); return new Response();
      case "alarm": await counter("a").arm(); return new Response();
      case "caught": try { this.inside() } catch { console.log("caught") } return new Response();
      case "no-handler": return env.SILENT.fetch(request);
    }
    return new Response("fine");
  },
  inside() { throw new Error("caught inside") },
  scheduled() { throw new Error("in scheduled") },
  async email() { throw new Error("in email") },
  async queue() { throw new Error("in queue") },
};`;

describe("what is not caught is told", () => {
  beforeAll(async () => {
    await start(
      graph({
        gateway: {
          code: GATEWAY,
          bindings: [
            bound("AUTH", "auth"),
            bound("VERIFIER", "auth", "Verifier"),
            bound("OWN", "gateway", "Own"),
            bound("SILENT", "silent"),
            { name: "COUNTER", kind: "durable-object", entry: { name: "COUNTER", class_name: "Counter" } },
          ],
        },
        auth: {
          code: `
            import { WorkerEntrypoint } from "cloudflare:workers";
            class Base extends WorkerEntrypoint { async verify() { throw new TypeError("not verified") } }
            export class Verifier extends Base {}
            export default { async fetch() { throw new Error("auth fails") } };`,
        },
        silent: { code: "export default { scheduled() {} }" },
      }),
    );
  });
  afterAll(() => runtime.close());

  test.each<[string, string[]]>([
    ["error", ["gateway TypeError: plain [ray-error] Object.fetch"]],
    ["string", ["gateway Error: a string [ray-string] -"]],
    ["object", ["gateway Error: an object [ray-object] -"]],
    ["nothing", ["gateway Error: undefined [ray-nothing] -"]],
    [
      "no-response",
      ["gateway TypeError: Incorrect type for Promise: the Promise did not resolve to 'Response'. [ray-no-response] -"],
    ],
    ["wait-until", ["gateway Error: in waitUntil [-] Object.fetch"]],
    ["unhandled", ["gateway Error: not awaited [-] Object.fetch"]],
    ["timer", ["gateway Error: in a timer [-] file"]],
    ["fetch", ["auth Error: auth fails [ray-fetch] Object.fetch", "gateway Error: auth fails [ray-fetch] -"]],
    [
      "rpc",
      [
        "auth TypeError: not verified [-] Verifier.verify",
        "auth TypeError: not verified [ray-rpc] Verifier.verify (again)",
        "gateway TypeError: not verified [ray-rpc] Object.fetch",
      ],
    ],
    ["own", ["gateway Error: to itself [-] Own.explode", "gateway Error: to itself [ray-own] Own.explode (again)"]],
    ["getter", ["gateway Error: in a getter [-] get", "gateway Error: in a getter [ray-getter] get (again)"]],
    [
      "method",
      [
        "gateway RangeError: in a method [-] Counter.explode",
        "gateway RangeError: in a method [ray-method] Counter.explode (again)",
      ],
    ],
    [
      "object-fetch",
      [
        "gateway RangeError: in its fetch [-] Counter.fetch",
        "gateway RangeError: in its fetch [ray-object-fetch] Counter.fetch (again)",
      ],
    ],
    [
      "constructor",
      [
        "gateway Error: in the constructor [-] Counter",
        "gateway Error: in the constructor [ray-constructor] Counter (again)",
      ],
    ],
    [
      "block",
      [
        "gateway Error: in blockConcurrencyWhile [-] file",
        "gateway Error: in blockConcurrencyWhile [ray-block] file (again)",
      ],
    ],
    ["object-wait", ["gateway Error: in its waitUntil [-] Counter.work"]],
    ["alarm", ["gateway Error: in the alarm [-] Counter.alarm"]],
    [
      "no-handler",
      [
        "silent Error: Handler does not export a fetch() function. [ray-no-handler] -",
        "gateway Error: Handler does not export a fetch() function. [ray-no-handler] -",
      ],
    ],
  ])("%s", async (at, expected) => {
    await get(at);
    expect(lines(await told(expected.length))).toEqual(expected);
  });

  test("in scheduled and email", async () => {
    expect(await runtime.scheduled("gateway@production", { cron: "* * * * *" })).toMatchObject({
      outcome: "exception",
    });
    const raw = new TextEncoder().encode("Message-ID: <a@b.c>\r\nFrom: a@b.c\r\nTo: d@e.f\r\n\r\nhi");
    expect((await runtime.email("gateway@production", { from: "a@b.c", to: "d@e.f", raw })).status).toBe(500);
    expect(lines(await told(2))).toEqual([
      "gateway Error: in scheduled [-] Object.scheduled",
      "gateway Error: in email [-] Object.email",
    ]);
  });

  test("once, when it is awaited and given to waitUntil, in this request and in the next", async () => {
    await get("same");
    await get("same?2");
    expect((await told(3)).map(({ message, ray, again }) => [message, ray, again])).toEqual([
      ["the same again", undefined, undefined],
      ["the same again", "ray-same", true],
      ["the same again", "ray-same?2", undefined],
    ]);
  });

  test("with its cause, and without our own frames", async () => {
    await get("error");
    const [{ stack } = {}] = await told(1);
    expect(stack).toMatch(/^ +at Object\.fetch [^\n]+\n +caused by RangeError: because\n +at Object\.fetch [^\n]+$/);
  });

  test("what the code catches itself is not told", async () => {
    await get("caught");
    await get("string");
    expect(lines(await told(1))).toEqual(["gateway Error: a string [ray-string] -"]);
  });
});

describe("the code notices nothing", () => {
  afterEach(() => runtime.close());

  test("classes, instances, private fields, getters, statics, inheritance", async () => {
    await start(
      graph({
        gateway: {
          code: `
            import { WorkerEntrypoint } from "cloudflare:workers";
            class Base extends WorkerEntrypoint {
              #secret = 7;
              static made = 0;
              constructor(ctx, env) { super(ctx, env); Base.made++; this.newTarget = new.target.name; }
              get secret() { return this.#secret }
              inherited() { return this.#secret + this.own() }
            }
            export class Own extends Base {
              hidden = () => "not for RPC";
              own() { return 1 }
              all() {
                return [this instanceof Own, this.constructor === Own, Object.getPrototypeOf(this) === Own.prototype,
                  this.newTarget, Own.made > 0, this.inherited(), this.secret, this.own === Own.prototype.own];
              }
            }
            export class Free extends WorkerEntrypoint {
              constructor(ctx, env) { super(ctx, env); return new Proxy(this, { get: (self, key) => key === "anything" ? () => "by proxy" : self[key] }); }
            }
            export const plain = { fetch() { return new Response("plain") }, one(argument, env, ctx) { return argument + 1 } };
            const handlers = Object.freeze({
              async fetch(request, env) {
                return Response.json([await env.OWN.all(), await env.OWN.secret, await env.OWN.inherited(),
                  await env.OWN.hidden().catch((error) => error.message), await env.OWN.absent().catch((error) => error.message),
                  await env.FREE.anything(), await (await env.PLAIN.fetch("http://plain")).text(), this === handlers]);
              },
            });
            export default handlers;`,
          bindings: [
            bound("OWN", "gateway", "Own"),
            bound("FREE", "gateway", "Free"),
            bound("PLAIN", "gateway", "plain"),
          ],
        },
      }),
    );
    expect(JSON.parse((await get("")).text)).toEqual([
      [true, true, true, "Own", true, 8, 7, true],
      7,
      8,
      'The RPC receiver does not implement the method "hidden".',
      'The RPC receiver does not implement the method "absent".',
      "by proxy",
      "plain",
      true,
    ]);
  });

  test("what RPC reaches: members of all kinds, also added later or made up, but none of the instance's own", async () => {
    await start(
      graph({
        gateway: {
          code: `
            import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
            class Target extends RpcTarget { next() { return "next" } get value() { return "value" } }
            class Base extends WorkerEntrypoint { replaced() { return "first" } twice() { return "base" } }
            export class Own extends Base {
              #n = 1;
              constructor(ctx, env) { super(ctx, env); this.state = "of the instance"; this.trace = () => "of the instance" }
              self() { return "self" }
              test(...args) { return ["test", args.length] }
              count() { return arguments.length }
              twice() { return "own " + super.twice() }
              get target() { return new Target() }
              get add() { return (n) => n + this.#n }
            }
            Own.prototype.data = "data";
            export class Made extends WorkerEntrypoint {
              constructor(ctx, env) { super(ctx, env); return new Proxy(this, { get: (it, key) => typeof key === "string" && key !== "then" && !(key in it) ? (...args) => [key, ...args] : it[key] }); }
            }
            const failed = (error) => error.message;
            export default { async fetch(request, env) {
              const { OWN, MADE } = env;
              const before = await OWN.replaced();
              Own.prototype.later = function () { return "later " + (this instanceof Own) };
              Own.prototype.replaced = () => "second";
              return Response.json([await OWN.self(), await OWN.test(1, 2), await OWN.count(), await OWN.count(1, 2, 3), await OWN.twice(),
                await OWN.target.next(), await OWN.target.value, await OWN.add(2), await OWN.data, before,
                await OWN.later(), await OWN.replaced(), await OWN.state.catch(failed), await OWN.trace().catch(failed), await MADE.test("a"), await MADE.anything(1)]);
            } };`,
          bindings: [bound("OWN", "gateway", "Own"), bound("MADE", "gateway", "Made")],
        },
      }),
    );
    const refused = (name: string) => `The RPC receiver does not implement the method "${name}".`;
    expect(JSON.parse((await get("")).text)).toEqual([
      "self",
      ["test", 2],
      0,
      3,
      "own base",
      "next",
      "value",
      3,
      "data",
      "first",
      "later true",
      "second",
      refused("state"),
      refused("trace"),
      ["test", "a"],
      ["anything", 1],
    ]);
  });

  test("handlers that are fields, or are there for some instances only", async () => {
    await start(
      graph({
        gateway: {
          code: `
            import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
            export class Sockets extends DurableObject {
              #seen = 0;
              alarms = [];
              constructor(ctx, env) { super(ctx, env); if (ctx.id.name === "a") this.webSocketMessage = (socket, message) => this.answer(socket, message); }
              alarm = async () => { this.alarms.push("alarm"); this.rung() };
              ring() { const rung = new Promise((resolve) => { this.rung = resolve }); return this.ctx.storage.setAlarm(Date.now()).then(() => rung).then(() => this.alarms) }
              answer(socket, message) { this.#seen++; socket.send(message + this.#seen) }
              fetch() {
                const { 0: client, 1: server } = new WebSocketPair();
                this.ctx.acceptWebSocket(server);
                return new Response(null, { status: 101, webSocket: client });
              }
            }
            export default class extends WorkerEntrypoint {
              fetch = async () => {
                const sockets = this.env.SOCKETS.get(this.env.SOCKETS.idFromName("a"));
                const { webSocket } = await sockets.fetch("http://sockets", { headers: { upgrade: "websocket" } });
                const message = new Promise((resolve) => webSocket.addEventListener("message", ({ data }) => resolve(data)));
                webSocket.accept();
                webSocket.send("message ");
                return Response.json([await message, await sockets.ring()]);
              };
              scheduled = () => { throw new Error("in a field") };
            }`,
          bindings: [{ name: "SOCKETS", kind: "durable-object", entry: { name: "SOCKETS", class_name: "Sockets" } }],
        },
      }),
    );
    expect(JSON.parse((await get("")).text)).toEqual(["message 1", ["alarm"]]);
    expect((await runtime.scheduled("gateway@production", {})).outcome).toBe("exception");
    expect((await told(1)).map(({ message }) => message)).toEqual(["in a field"]);
  });

  test("RPC passes functions, streams and targets; a query that runs when it is awaited runs once", async () => {
    await start(
      graph({
        gateway: {
          code: `
            import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
            let queries = 0;
            class Target extends RpcTarget { n = 0; next() { return ++this.n } }
            export class Own extends WorkerEntrypoint {
              target() { return new Target() }
              stream() { return new Response("streamed").body }
              callback(f) { return f(20) }
              adder(n) { return (m) => n + m }
              relay() { return this.env.OWN.target() }
              query() { return { then(resolve) { queries++; resolve(queries) } } }
              async *generator() { yield 1 }
            }
            export default { async fetch(request, env) {
              using target = await env.OWN.relay();
              return Response.json([await target.next(), await target.next(), await env.OWN.target().next(),
                await new Response(await env.OWN.stream()).text(), await env.OWN.callback((n) => n + 1), await (await env.OWN.adder(1))(2),
                await env.OWN.query(), queries]);
            } };`,
          bindings: [bound("OWN", "gateway", "Own")],
        },
      }),
    );
    expect(JSON.parse((await get("")).text)).toEqual([1, 2, 1, "streamed", 21, 3, 1, 1]);
  });

  test("a class as default export, handlers of a class instance, a Durable Object of the old kind", async () => {
    await start(
      graph({
        gateway: {
          code: `
            export class Old { constructor(state) { this.state = state } async fetch() { return new Response("old " + (this.state.id !== undefined)) } }
            class App { #name = "app"; fetch = (request, env) => this.handle(env); async handle(env) {
              const old = env.OLD.get(env.OLD.idFromName("a"));
              return Response.json([this.#name, await (await old.fetch("http://old")).text(), await (await env.CLASSY.fetch("http://classy")).text()]);
            } }
            export default new App();`,
          bindings: [
            bound("CLASSY", "classy"),
            { name: "OLD", kind: "durable-object", entry: { name: "OLD", class_name: "Old" } },
          ],
        },
        classy: {
          code: `import { WorkerEntrypoint } from "cloudflare:workers";
            export default class extends WorkerEntrypoint { fetch() { return new Response("classy") } }`,
        },
      }),
    );
    expect(JSON.parse((await get("")).text)).toEqual(["app", "old true", "classy"]);
  });
});

test.each([
  [
    "script syntax",
    { code: `addEventListener("fetch", () => { throw new Error("on purpose") });`, format: "service-worker" as const },
  ],
  [
    "an imported waitUntil",
    {
      code: `import { waitUntil } from "cloudflare:workers";
        export default { fetch() { waitUntil(Promise.reject(new Error("on purpose"))); return new Response() } }`,
    },
  ],
])("out of the prelude's reach: %s", async (_name, service) => {
  await start(graph({ gateway: service }));
  try {
    await get("x");
    expect((await told(1)).map(({ worker, message, ray }) => [worker, message, ray])).toEqual([
      ["gateway@production", "on purpose", "ray-x"],
    ]);
  } finally {
    await runtime.close();
  }
});
