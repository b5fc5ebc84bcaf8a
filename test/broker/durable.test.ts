/** What was acknowledged is there, whenever the process dies; a batch is there as a whole. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Broker, type BrokerOptions, createBroker } from "../../src/host/broker/index.ts";
import { ROOT } from "../support/cli.ts";
import { makeFolder, removeFolder } from "../support/files.ts";
import { consumer } from "./support.ts";

let folder: string;
beforeAll(() => {
  folder = makeFolder();
});
afterAll(() => removeFolder(folder));

const ROUNDS = 12;
const OK = { outcome: "ok", ackAll: false, retryBatch: { retry: false }, explicitAcks: [], retryMessages: [] };

function open(file: string, options: Partial<BrokerOptions> = {}): Broker {
  return createBroker({ file, deliver: async () => OK, ...options });
}

test("acknowledged messages survive SIGKILL at any moment", async () => {
  const file = path.join(folder, "killed.db");
  const acknowledged: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const child = spawn(process.execPath, [path.join(ROOT, "test/broker/sender.ts"), file, String(round * 1_000_000)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    // Killed in the middle of its work, after another number of messages each time.
    const most = 5 + Math.floor(Math.random() * 200);
    let count = 0;
    for await (const line of createInterface(child.stdout)) {
      acknowledged.push(Number(line));
      if (++count === most) child.kill("SIGKILL");
    }
    await exited;
  }
  expect(acknowledged.length).toBeGreaterThan(ROUNDS * 5);
  const broker = open(file);
  const { backlogCount } = broker.metrics("jobs");
  const kept = new Map<number, number>();
  for (const { body } of broker.peek("jobs", backlogCount + 1)) {
    const n = Number(Buffer.from(body).toString());
    kept.set(n, (kept.get(n) ?? 0) + 1);
  }
  await broker.close();
  expect(acknowledged.filter((n) => kept.get(n) !== 3)).toEqual([]);
  expect([...kept].filter(([, times]) => times !== 3)).toEqual([]);
  expect(backlogCount).toBe(kept.size * 3);
});

test("a damaged file is said to be one, a newer one is left alone", async () => {
  const damaged = path.join(folder, "damaged.db");
  writeFileSync(damaged, "This is no database, and long enough to be taken for one.".repeat(100));
  expect(() => open(damaged)).toThrow(
    expect.objectContaining({ code: "STORE", message: expect.stringContaining(damaged) }),
  );

  const newer = path.join(folder, "newer.db");
  const database = new DatabaseSync(newer);
  database.exec("PRAGMA user_version = 99");
  database.close();
  expect(() => open(newer)).toThrow(/written by a newer troupe/);
});

test("what can't be written is not acknowledged, and nothing else is lost", async () => {
  const file = path.join(folder, "full.db");
  const broker = open(file);
  await broker.send("jobs", [{ contentType: "text", body: Buffer.from("kept") }]);
  // Somebody else holds the file.
  const other = new DatabaseSync(file);
  other.exec("BEGIN IMMEDIATE");
  await expect(broker.send("jobs", [{ contentType: "text", body: Buffer.from("refused") }])).rejects.toMatchObject({
    code: "STORE",
  });
  expect(
    await broker.handle(
      { queue: "jobs" },
      { method: "POST", path: "/message", headers: new Headers(), body: Buffer.from("x") },
    ),
  ).toMatchObject({ status: 500, headers: { "CF-Queues-Error-Code": "500" } });
  other.exec("ROLLBACK");
  other.close();
  await broker.send("jobs", [{ contentType: "text", body: Buffer.from("after") }]);
  expect(broker.peek("jobs", 9).map(({ body }) => Buffer.from(body).toString())).toEqual(["kept", "after"]);
  await broker.close();
});

test("messages that nobody takes are thrown away after four days", async () => {
  const file = path.join(folder, "old.db");
  let broker = open(file);
  await broker.send("jobs", [{ contentType: "text", body: Buffer.from("old") }]);
  await broker.send("jobs", [{ contentType: "text", body: Buffer.from("young") }]);
  await broker.close();
  const database = new DatabaseSync(file);
  const days = (n: number) => n * 24 * 60 * 60 * 1000;
  const age = database.prepare("UPDATE messages SET sent_at = sent_at - ? WHERE body = ?");
  age.run(days(4) + 1000, Buffer.from("old"));
  age.run(days(4) - 60_000, Buffer.from("young"));
  database.close();
  broker = open(file);
  expect(broker.peek("jobs", 9).map(({ body }) => Buffer.from(body).toString())).toEqual(["young"]);
  expect(broker.metrics("jobs")).toMatchObject({ backlogCount: 1, backlogBytes: 5 });
  await broker.close();
});

test("a batch is one at a time, and closing waits for it as long as it may", async () => {
  const file = path.join(folder, "closing.db");
  const batches: string[][] = [];
  let finish = (): void => {};
  let started = (): void => {};
  const first = new Promise<void>((resolve) => {
    started = resolve;
  });
  const broker = open(file, {
    async deliver(_consumer, { messages }) {
      batches.push(messages.map(({ body }) => Buffer.from(body).toString()));
      started();
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return OK;
    },
  });
  broker.consume([consumer({ maxBatchSize: 1 })]);
  await broker.send("jobs", [
    { contentType: "text", body: Buffer.from("a") },
    { contentType: "text", body: Buffer.from("b") },
  ]);
  await first;
  // Said again, as at every change of what is deployed, it does not start another.
  broker.consume([]);
  broker.consume([consumer({ maxBatchSize: 1 })]);
  const closed = broker.close(60_000);
  finish();
  await closed;
  expect(batches).toEqual([["a"]]);

  const next = open(file);
  expect(next.peek("jobs", 9).map(({ body, attempts }) => [Buffer.from(body).toString(), attempts])).toEqual([
    ["b", 0],
  ]);
  await next.close();
});
