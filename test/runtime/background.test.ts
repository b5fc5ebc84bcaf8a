import http from "node:http";
import type { AddressInfo } from "node:net";
import { Agent } from "undici";
import { afterAll, expect, test } from "vitest";
import { connectLocal } from "../../src/lib/unix-origin.ts";
import { createGraphRuntime, type RuntimeEvent } from "../../src/runtime/index.ts";
import { graph } from "../support/graph.ts";

const dispatcher = new Agent({ connect: connectLocal });
/** Answers when it is told to. */
const held: http.ServerResponse[] = [];
const slow = http.createServer((_request, response) => void held.push(response));

afterAll(async () => {
  slow.closeAllConnections();
  await new Promise((resolve) => slow.close(resolve));
  await dispatcher.destroy();
});

const WORKER = "it@production";

test.each(["kv", "durable-object"])("a process with %s is stopped when work behind answers is over", async (kind) => {
  await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
  const { port } = slow.address() as AddressInfo;
  let heard = (_message: string): void => {};
  const onEvent = (event: RuntimeEvent): void => {
    if (event.type === "log") heard(event.message);
  };
  const done = (): Promise<string> =>
    new Promise((resolve) => {
      heard = resolve;
    });
  const runtime = createGraphRuntime({ onEvent, linger: 10_000, drain: { prewarm: 60_000, hold: 60_000 } });
  const spec = (version: number) =>
    graph(
      {
        it: {
          code: `import { DurableObject } from "cloudflare:workers";
            export class Counter extends DurableObject {}
            export default { fetch(request, env, ctx) {
              ctx.waitUntil(fetch("http://127.0.0.1:${port}").then(() => console.log("done behind version ${version}")));
              return new Response();
            } }`,
          bindings: [
            kind === "kv"
              ? { name: "KV", kind, entry: { binding: "KV" }, resource: "kv" }
              : { name: "COUNTER", kind, entry: { name: "COUNTER", class_name: "Counter" } },
          ],
        },
      },
      { proved: true },
    );
  /** One answer, with work that goes on behind it. @returns ends that work */
  const ask = async (): Promise<() => void> => {
    const lease = await runtime.acquire(WORKER);
    const asked = new Promise((resolve) => slow.once("request", resolve));
    const { body } = await dispatcher.request({ origin: lease.origin, method: "GET", path: "/" });
    await body.dump();
    lease.release();
    await asked;
    return () => void held.pop()!.end();
  };
  try {
    await runtime.swap(spec(1));
    expect(await runtime.isWorking()).toBe(false);
    const end = await ask();
    expect(await runtime.isWorking()).toBe(true);

    let swapped = false;
    const swapping = runtime.swap(spec(2)).then((result) => {
      swapped = true;
      return result;
    });
    // Until requests have to wait.
    while (!swapped && !gateIsClosed()) await turn();
    expect(swapped).toBe(false);
    const told = done();
    end();
    expect(await told).toBe("done behind version 1");
    expect((await swapping).mode).toBe(kind === "kv" ? "prewarm" : "hold");

    const endOther = await ask();
    const closing = runtime.close(60_000);
    const toldOther = done();
    endOther();
    expect(await toldOther).toBe("done behind version 2");
    await closing;
  } finally {
    await runtime.close();
    slow.closeAllConnections();
    await new Promise((resolve) => slow.close(resolve));
  }

  function gateIsClosed(): boolean {
    const lease = runtime.tryAcquire(WORKER);
    lease?.release();
    return lease === undefined;
  }
});

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
