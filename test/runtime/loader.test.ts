/** Code that is loaded into the running process: it behaves as it does in a process of its own. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Agent } from "undici";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { TroupeError } from "../../src/errors.ts";
import { createGraphRuntime, type GraphRuntime, type RuntimeEvent, type SwapMode } from "../../src/runtime/index.ts";
import { graph, type InlineService } from "../support/graph.ts";

const dispatcher = new Agent();
const open: GraphRuntime[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((runtime) => runtime.close()));
});
afterAll(() => dispatcher.destroy());

function start(onEvent?: (event: RuntimeEvent) => void): GraphRuntime {
  const runtime = createGraphRuntime({
    onEvent,
    load: true,
    drain: { load: 400, overlap: 400, prewarm: 400, hold: 400 },
  });
  open.push(runtime);
  return runtime;
}

async function get(runtime: GraphRuntime, at = "/", service = "gateway", headers: Record<string, string> = {}) {
  const lease = await runtime.acquire(`${service}@production`);
  try {
    const response = await dispatcher.request({
      origin: lease.url.origin,
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

const says = (text: string): InlineService => ({
  code: `export default { fetch() { return new Response(${JSON.stringify(text)}) } }`,
});

describe("what is loaded", () => {
  test("a service, from its second edit on; the others keep running as they are", async () => {
    const runtime = start();
    const gateway: InlineService = {
      code: `let calls = 0;
        export default { async fetch(request, env) { return new Response(++calls + " " + await (await env.AUTH.fetch(request)).text()) } }`,
      bindings: [{ name: "AUTH", kind: "service", entry: { binding: "AUTH", service: "auth" } }],
    };
    const modes = await swaps(runtime, { gateway, auth: says("1") }, { gateway, auth: says("2") });
    expect((await get(runtime)).text).toBe("1 2");
    modes.push(...(await swaps(runtime, { gateway, auth: says("3") })));
    expect((await get(runtime)).text).toBe("2 3");
    expect((await get(runtime, "/", "auth")).text).toBe("3");
    expect(modes).toEqual(["overlap", "overlap", "load"]);
  });

  const secondEdit = async (change: (version: number) => InlineService): Promise<SwapMode[]> =>
    swaps(start(), ...[1, 2, 3].map((version) => ({ gateway: change(version) })));
  const with_ = (version: number, code: string): string =>
    `${code}\nexport default { fetch() { return new Response("${version}") } }`;

  test.each<[string, (version: number) => InlineService, SwapMode]>([
    ["uses the Cache API", (n) => ({ code: with_(n, "const put = () => caches.default;") }), "overlap"],
    ["passes its exports on", (n) => ({ code: with_(n, "const own = (ctx) => ctx.exports.default;") }), "overlap"],
    [
      "binds what cannot be passed on",
      (n) => ({
        ...says(`${n}`),
        bindings: [{ name: "CACHE", kind: "kv", entry: { binding: "CACHE" }, resource: "cache" }],
      }),
      "overlap",
    ],
    [
      "is in service-worker syntax",
      (n) => ({
        code: `addEventListener("fetch", (event) => event.respondWith(new Response("${n}")))`,
        format: "service-worker",
      }),
      "overlap",
    ],
    ["exports another name", (n) => ({ code: with_(n, `export class Named${n} {}`) }), "overlap"],
    ["gets another variable", (n) => ({ ...says(`${n}`), secrets: { N: `${n}` } }), "overlap"],
    ["is quite normal", (n) => says(`${n}`), "load"],
  ])("not a service that %s", async (_what, change, mode) => {
    expect((await secondEdit(change)).at(-1)).toBe(mode);
  });
});
