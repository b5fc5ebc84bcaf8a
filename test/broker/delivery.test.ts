/** What the broker promises, with real workers on both ends. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Consumer } from "../../src/host/broker/index.ts";
import { newestWorkerd } from "../support/workerd.ts";
import { consumer, type Scene, startScene } from "./support.ts";

let scene: Scene;
const start = async (consumers: Consumer[], options?: Parameters<typeof startScene>[1]): Promise<Scene> => {
  scene = await startScene(consumers, options);
  return scene;
};
beforeEach(() => {
  scene = undefined as unknown as Scene;
});
afterEach(() => scene?.close());

const bodies = ({ delivered }: Scene): unknown[] =>
  delivered.flatMap(({ messages }) => messages.map(({ body }) => body));

test("every content type arrives as it was sent, with its id, time and first attempt", async () => {
  const { send, until, delivered } = await start([consumer()]);
  const before = Date.now();
  const messages = [
    { contentType: "text", body: "Grüße" },
    { contentType: "json", body: { a: [1, null] } },
    { contentType: "bytes", body: [1, 2, 255] },
    { contentType: "v8", body: [["key", 1]] },
  ];
  const answer = await send({ messages });
  expect(answer).toMatchObject({
    status: 200,
    body: { metadata: { metrics: { backlogCount: 4, backlogBytes: expect.any(Number) } } },
  });
  await until(() => bodies(scene).length === 4);
  expect(bodies(scene)).toEqual(["Grüße", { a: [1, null] }, { bytes: [1, 2, 255] }, { map: [["key", 1]] }]);
  const all = delivered.flatMap((batch) => batch.messages);
  expect(new Set(all.map(({ id }) => id)).size).toBe(4);
  for (const { id, attempts, timestamp } of all) {
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(attempts).toBe(1);
    expect(timestamp).toBeGreaterThanOrEqual(before - 1);
  }
  await until(() => scene.reports.reduce((sum, { acked }) => sum + acked, 0) === 4);
  expect(await scene.get()).toMatchObject({ backlogCount: 0, backlogBytes: 0 });
});

test("a batch goes when it is full, the rest when there is more", async () => {
  const { send, batches, delivered, broker } = await start([consumer({ maxBatchSize: 3, maxBatchTimeout: 60 })]);
  await send({ messages: [1, 2, 3, 4, 5].map((body) => ({ body })) });
  await batches(1);
  expect(delivered[0]!.metrics).toMatchObject({ backlogCount: 5 });
  expect(broker.metrics("jobs").backlogCount).toBe(2);
  await send({ messages: [{ body: 6 }] });
  await batches(2);
  expect(bodies(scene)).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a batch that does not get full goes when its first message has waited", async () => {
  const { send, batches, delivered, times } = await start([consumer({ maxBatchTimeout: 0.4 })]);
  await send({ messages: [{ body: 1 }], one: true });
  await send({ messages: [{ body: 2 }], one: true });
  await batches(1);
  expect(times[0]! - delivered[0]!.messages[0]!.timestamp).toBeGreaterThanOrEqual(400);
});

test("delays: of the message, of the batch, of the binding", async () => {
  const { send, batches, delivered, times } = await start([consumer()], { deliveryDelay: 2 });
  await send({
    messages: [{ body: "of the batch" }, { body: "its own", delaySeconds: 0 }],
    options: { delaySeconds: 1 },
  });
  await send({ messages: [{ body: "of the binding" }], one: true });
  await batches(3);
  expect(bodies(scene)).toEqual(["its own", "of the batch", "of the binding"]);
  const waited = delivered.map(({ messages: [message] }, index) => times[index]! - message!.timestamp);
  expect(waited[1]).toBeGreaterThanOrEqual(1000);
  expect(waited[2]).toBeGreaterThanOrEqual(2000);
});

test("what is said of one message counts more than what is said of all", async () => {
  const { send, batches, delivered, reports } = await start([consumer()]);
  await send({
    messages: [{ body: { name: "kept", does: "ack" } }, { body: { does: "retryAll", until: 1 } }, { body: "third" }],
  });
  await batches(2);
  expect(reports[0]).toMatchObject({ outcome: "ok", acked: 1, retried: 2 });
  expect(reports[1]).toMatchObject({ outcome: "ok", acked: 2, retried: 0 });
  expect(delivered[1]!.messages).toMatchObject([
    { attempts: 2, body: { does: "retryAll" } },
    { attempts: 2, body: "third" },
  ]);
});

test("after an exception everything comes again but what was acknowledged; retries may wait", async () => {
  const { send, batches, reports, times } = await start([consumer({ retryDelay: 1 })]);
  await send({ messages: [{ body: { does: "ack" } }, { body: { does: "throw", until: 1 } }] });
  await batches(2);
  expect(reports.map(({ outcome, acked, retried }) => ({ outcome, acked, retried }))).toEqual([
    { outcome: "exception", acked: 1, retried: 1 },
    { outcome: "ok", acked: 1, retried: 0 },
  ]);
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(1000);
  await send({ messages: [{ body: { does: "retry", until: 1, delaySeconds: 2 } }] });
  await batches(4);
  expect(times[3]! - times[2]!).toBeGreaterThanOrEqual(2000);
});

test("dead letters keep their id and time; without a dead-letter queue they are dropped", async () => {
  const { send, batches, delivered, reports, broker } = await start([
    consumer({ maxRetries: 1, deadLetterQueue: "dead" }),
    consumer({ queue: "dead", maxRetries: 0 }),
  ]);
  await send({ messages: [{ body: { does: "retry" } }] });
  await batches(3);
  expect(delivered.map(({ queue, messages: [message] }) => [queue, message!.attempts])).toEqual([
    ["jobs", 1],
    ["jobs", 2],
    ["dead", 1],
  ]);
  expect(new Set(delivered.map(({ messages: [message] }) => `${message!.id} ${message!.timestamp}`)).size).toBe(1);
  expect(reports.map(({ retried, dead, dropped }) => [retried, dead, dropped])).toEqual([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
  expect(broker.queues()).toEqual([]);
});

test("limits are the platform's, and errors name them", async () => {
  const { send, broker } = await start([]);
  const text = (size: number, count = 1) => ({
    messages: Array.from({ length: count }, () => ({ contentType: "text", size })),
  });
  expect(await send({ ...text(128_000), one: true })).toMatchObject({ status: 200 });
  expect(await send({ ...text(128_001), one: true })).toMatchObject({
    status: 500,
    body: { error: "message length of 128001 bytes exceeds limit of 128000 (413)" },
  });
  expect(await send(text(1, 101))).toMatchObject({
    body: { error: "batch message count of 101 exceeds limit of 100 (413)" },
  });
  expect(await send(text(100_000, 3))).toMatchObject({
    body: { error: "batch size of 300000 bytes exceeds limit of 256000 (413)" },
  });
  expect(await send({ messages: [{ body: 1, delaySeconds: 86_401 }] })).toMatchObject({
    body: { error: expect.stringContaining("delay") },
  });
  expect(await send({ messages: [{ contentType: "text", body: 1 }], one: true })).toMatchObject({
    body: { error: expect.stringContaining("requires a value of type string") },
  });
  // Nothing of what was refused is kept, and what nobody receives waits.
  expect(broker.metrics("jobs")).toMatchObject({ backlogCount: 1, backlogBytes: 128_000 });
  expect(broker.peek("jobs", 5)).toMatchObject([{ contentType: "text", attempts: 0, delivering: false }]);
});

test("a batch that is under way is shown as such, and what waits goes to the new version", async () => {
  const { send, until, delivered, reports, broker, swap } = await start([consumer({ maxBatchSize: 1 })]);
  await send({ messages: [{ body: { does: "hang", version: 1 } }, { body: "second" }] });
  await until(() => delivered.length === 1);
  expect(broker.peek("jobs", 5).map(({ delivering, attempts }) => [delivering, attempts])).toEqual([
    [true, 1],
    [false, 0],
  ]);
  // The old version keeps its batch until the drain is over and it is stopped, which is no attempt: it was our doing.
  await swap(2);
  await until(() => reports.length === 2 && delivered.length === 3);
  expect(reports.map(({ outcome }) => outcome)).toEqual(["ok", "ok"]);
  expect(delivered.map(({ version, messages: [message] }) => [version, message!.body, message!.attempts])).toEqual([
    [1, { does: "hang", version: 1 }, 1],
    [2, { does: "hang", version: 1 }, 1],
    [2, "second", 1],
  ]);
});

test("when the process of the consumer dies, that was an attempt, and the next one gets the batch", async () => {
  const { send, until, batches, delivered, reports } = await start([consumer()]);
  await send({ messages: [{ body: { does: "hang", until: 1 } }] });
  await until(() => delivered.length === 1);
  process.kill(newestWorkerd(), "SIGKILL");
  await batches(2);
  expect(reports.map(({ outcome }) => outcome)).toEqual(["exception", "ok"]);
  expect(delivered[1]!.messages[0]).toMatchObject({ attempts: 2 });
});

test("a consumer without a queue handler fails its batches", async () => {
  const { send, until, reports } = await start([consumer({ worker: "shop@production", maxRetries: 0 })]);
  await send({ messages: [{ body: 1 }] });
  await until(() => reports.length === 1);
  expect(reports[0]).toMatchObject({ outcome: "exception", dropped: 1 });
});
