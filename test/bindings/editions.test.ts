/** One config in two environments: each has its own edition of every resource, and names with any character work. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bindingsOf, type Running, start, until } from "./support.ts";

const code = `
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    return step.do("name", async () => event.payload);
  }
}
export default {
  async fetch(request, env) {
    const value = new URL(request.url).searchParams.get("put");
    if (value) {
      await env.CACHE.put("key", value);
      await env.FILES.put("key", value);
      await env.DB.exec("CREATE TABLE IF NOT EXISTS t (v TEXT)");
      await env.DB.prepare("INSERT INTO t VALUES (?)").bind(value).run();
      await env.JOBS.send(value);
      await env.FLOW.create({ id: value, params: value });
    }
    return Response.json({
      kv: await env.CACHE.get("key"),
      r2: (await (await env.FILES.get("key"))?.text()) ?? null,
      d1: (await env.DB.prepare("SELECT group_concat(v) AS v FROM t").first("v").catch(() => null)),
      queue: (await env.SEEN.list()).keys.map(({ name }) => name),
      flow: value ? (await (await env.FLOW.get(value)).status()).status !== "unknown" : await env.FLOW.get("first").then(() => true, () => false),
    });
  },
  async queue(batch, env) {
    for (const { body } of batch.messages) await env.SEEN.put(body, "");
  },
};`;

const config = {
  kv_namespaces: [{ binding: "CACHE", id: "ünïcode/../cache" }, { binding: "SEEN" }],
  r2_buckets: [{ binding: "FILES", bucket_name: "files" }],
  d1_databases: [{ binding: "DB", database_id: "../../escape" }],
  queues: { producers: [{ binding: "JOBS", queue: "jobs" }], consumers: [{ queue: "jobs", max_batch_timeout: 0 }] },
  workflows: [{ binding: "FLOW", name: "flow", class_name: "Flow" }],
};

let dir: string;
let running: Running;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "troupe-editions-"));
  running = await start(
    {
      shop: { code, config },
      staging: { code, environment: { name: "staging", bindings: bindingsOf("shop", config, "staging") } },
    },
    { persistTo: path.join(dir, "data") },
  );
}, 60_000);
afterAll(async () => {
  await running?.close();
  await rm(dir, { recursive: true });
});

test("what one environment writes, the other does not see", async () => {
  const empty = { kv: null, r2: null, d1: null, queue: [], flow: false };
  expect(await running.json("shop", "/?put=first")).toMatchObject({
    kv: "first",
    r2: "first",
    d1: "first",
    flow: true,
  });
  await until(async () => (await running.json<{ queue: string[] }>("shop", "/")).queue.includes("first"));
  expect(await running.json("staging", "/")).toEqual(empty);
  await running.send("staging", "/?put=second");
  await until(async () => (await running.json<{ queue: string[] }>("staging", "/")).queue.includes("second"));
  expect(await running.json("staging", "/")).toMatchObject({ kv: "second", d1: "second", queue: ["second"] });
  expect(await running.json("shop", "/")).toMatchObject({ kv: "first", d1: "first", queue: ["first"] });
});

test("no name leaves the data folder", async () => {
  expect(await readdir(dir)).toEqual(["data"]);
});
