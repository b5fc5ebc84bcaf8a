/** The inspector of a graph: connected by the time it runs, and so it may be used, and end, at once. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { createGraphRuntime } from "../../src/runtime/index.ts";
import { graph } from "../support/graph.ts";

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
