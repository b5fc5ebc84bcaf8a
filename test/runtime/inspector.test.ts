/** The inspector of a graph: connected by the time it runs, and so it may be used, and end, at once. */
import { once } from "node:events";
import net from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";

import { createGraphRuntime } from "../../src/runtime/index.ts";
import { graph } from "../support/graph.ts";
import { freePort } from "../support/port.ts";

const uncaught: unknown[] = [];
const collect = (error: unknown): unknown => uncaught.push(error);
beforeEach(() => void process.on("uncaughtException", collect));
afterEach(() => void process.off("uncaughtException", collect));

const code = "export default { fetch() { return new Response() } }";

async function startInspected() {
  const runtime = createGraphRuntime();
  await runtime.swap(graph({ gateway: { code }, auth: { code } }, { inspectorPort: 0 }));
  return runtime;
}

test("answers a debugger that does not wait", async () => {
  const runtime = await startInspected();
  const debug = new WebSocket(new URL("/gateway@production", await runtime.inspectorUrl()).href);
  const answer = new Promise((resolve, reject) => {
    debug.once("close", reject);
    debug.once("message", (data) => resolve(JSON.parse(String(data))));
  });
  debug.once("open", () => debug.send(JSON.stringify({ id: 1, method: "Runtime.getIsolateId" })));
  expect(await answer).toMatchObject({ id: 1, result: { id: expect.any(String) } });
  debug.close();
  await runtime.close();
  expect(uncaught).toEqual([]);
});

test("can be closed as soon as it runs", async () => {
  for (let round = 0; round < 3; round++) await (await startInspected()).close();
  expect(uncaught).toEqual([]);
});

test("keeps its port over a swap, also when a debugger does not say goodbye", async () => {
  const runtime = createGraphRuntime();
  const inspectorPort = await freePort();
  const swap = (version: number) =>
    runtime.swap(
      graph({ gateway: { code: `${code} // ${version}` } }, { inspectorPort, proved: version > 0, restart: true }),
    );
  await swap(0);
  for (let version = 1; version <= 3; version++) {
    const debug = net.connect(inspectorPort, "127.0.0.1");
    debug.write("GET /gateway@production HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");
    debug.write("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    await once(debug, "data");
    debug.on("error", () => {});
    await swap(version);
    debug.destroy();
  }
  await runtime.close();
  expect(uncaught).toEqual([]);
});
