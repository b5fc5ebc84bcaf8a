import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Running, start, until } from "./support.ts";

const code = (name: string) => readFile(new URL(`workers/${name}.js`, import.meta.url), "utf8");

let running: Running;
const json = <T = unknown>(service: string, path: string) => running.json<T>(service, path);

beforeAll(async () => {
  running = await start({
    shop: {
      code: await code("shop"),
      config: {
        kv_namespaces: [{ binding: "CACHE" }],
        r2_buckets: [{ binding: "FILES" }],
        d1_databases: [{ binding: "DB", database_name: "shop" }],
        queues: { producers: [{ binding: "JOBS", queue: "jobs@staging" }] },
        durable_objects: {
          bindings: [
            { name: "COUNTER", class_name: "Counter", script_name: "counters" },
            { name: "LOCAL", class_name: "Greeter" },
          ],
        },
        workflows: [{ binding: "ORDERS", name: "orders", class_name: "Order", script_name: "orders" }],
      },
    },
    counters: { code: await code("counters") },
    orders: {
      code: await code("orders"),
      config: { workflows: [{ binding: "ORDERS", name: "orders", class_name: "Order" }] },
    },
    jobs: {
      code: await code("jobs"),
      config: {
        kv_namespaces: [{ binding: "SEEN", id: "seen@staging" }],
        queues: {
          consumers: [
            {
              queue: "jobs@staging",
              max_batch_size: 3,
              max_batch_timeout: 0,
              max_retries: 1,
              dead_letter_queue: "dead@staging",
            },
            { queue: "dead@staging", max_batch_timeout: 0 },
          ],
        },
      },
    },
  });
}, 60_000);
afterAll(() => running?.close());

test("a graph with objects on disk is held while it is swapped, and starts without a warning", () => {
  expect(running.started.warnings).toEqual([]);
});

test("KV: get, put, delete, list, metadata, streams", async () => {
  expect(await json("shop", "/kv")).toEqual({
    plain: "one",
    json: expect.objectContaining({ value: { two: 2 }, metadata: { tag: "m" } }),
    bytes: [1, 2, 3],
    stream: "one",
    several: [
      ["plain", "one"],
      ["gone", null],
    ],
    gone: null,
    names: ["bytes", "json", "plain"],
    paged: [1, false],
  });
});

test("R2: objects, ranges, listing, multipart, conditions", async () => {
  expect(await json("shop", "/r2")).toEqual({
    text: "hello",
    range: "ell",
    type: "text/plain",
    by: "test",
    listed: [["b.txt", "big"], ["a/"]],
    big: "part one",
    gone: null,
    refused: null,
  });
});

test("D1: exec, prepare, batches that roll back, sessions", async () => {
  expect(await json("shop", "/d1")).toEqual({
    names: ["ada", "bob"],
    first: "bob",
    raw: [[1, "ada"]],
    changes: 1,
    rolledBack: expect.stringContaining("UNIQUE"),
    session: 2,
  });
});

test("queues: another service receives batches, delayed messages, and dead letters after the retries", async () => {
  await json("shop", "/send?text=single");
  const seen = await until(async () => {
    const all = await json<Record<string, string>>("jobs", "/");
    const wanted = ["done:single", "done:batch 1", "done:batch 2", "done:later", "dead:poison"];
    return wanted.every((key) => key in all) && all;
  });
  expect(JSON.parse(seen["done:batch 1"]!).size).toBeGreaterThan(1);
  expect(seen).not.toHaveProperty("done:poison");
});

describe("Durable Objects", () => {
  test("SQL storage, RPC and fetch, in another service and in the own one", async () => {
    expect(await json("shop", "/counter")).toEqual({ total: 5, byFetch: { total: 5 }, other: 1, local: "hello you" });
  });

  test("alarms", async () => {
    expect(await json("shop", "/alarm")).toEqual({ set: true });
    await until(async () => (await json<{ rang: boolean }>("shop", "/alarmed")).rang);
  });

  test("WebSockets that hibernate", async () => {
    expect(await json("shop", "/chat")).toEqual({ heard: ["2: hi", "2: hi"] });
  });
});

interface Flow {
  status: string;
  output: unknown;
}

test("Workflows: steps, retries, sleeps and events, started from another service", async () => {
  expect(await json("shop", "/startFlow?id=first")).toEqual({ id: "first" });
  await until(async () => (await json<Flow>("shop", "/flow?id=first")).status !== "queued");
  await json("shop", "/event?id=first");
  const done = await until(async () => {
    const status = await json<Flow>("shop", "/flow?id=first");
    return status.status === "complete" || status.status === "errored" ? status : undefined;
  });
  expect(done.output).toEqual({ item: "tea reserved", tries: 3, paid: { by: "card" } });
});
