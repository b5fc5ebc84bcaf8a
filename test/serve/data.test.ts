import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { sweepSeeds } from "../../src/host/seeds.ts";
import type { InlineService } from "../support/graph.ts";
import { type Serve, startServe, testStore } from "../support/serve.ts";

/** Counts in KV, D1, R2 and a Durable Object at once. */
const COUNTER = (version: string) => `
import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  async add() { const n = ((await this.ctx.storage.get("n")) ?? 0) + 1; await this.ctx.storage.put("n", n); return n; }
}
export default { async fetch(request, env) {
  const kv = Number(await env.KV.get("n")) + 1;
  await env.KV.put("n", String(kv));
  await env.DB.exec("CREATE TABLE IF NOT EXISTS hits (id INTEGER PRIMARY KEY)");
  const { results } = await env.DB.prepare("INSERT INTO hits DEFAULT VALUES RETURNING id").all();
  const r2 = Number(await (await env.FILES.get("n"))?.text() ?? 0) + 1;
  await env.FILES.put("n", String(r2));
  const object = await env.COUNTER.getByName("one").add();
  return Response.json({ version: "${version}", kv, d1: results[0].id, r2, object });
} }`;

function counter(version: string, name: string, edition = ""): InlineService {
  const resource = (type: string) => `${name}/${type}${edition}`;
  return {
    code: COUNTER(version),
    bindings: [
      { name: "KV", kind: "kv", entry: { binding: "KV" }, resource: resource("kv") },
      { name: "DB", kind: "d1", entry: { binding: "DB" }, resource: resource("d1") },
      { name: "FILES", kind: "r2", entry: { binding: "FILES" }, resource: resource("r2") },
      { name: "COUNTER", kind: "durable-object", entry: { name: "COUNTER", class_name: "Counter" } },
    ],
  };
}

const counts = async (serve: Serve, label: string) => JSON.parse((await serve.get(label)).body);
const all = (n: number) => ({ kv: n, d1: n, r2: n, object: n });

test("data outlives a swap, an idle stop, and the host", async () => {
  const store = testStore();
  store.deploy({ a: counter("1", "a") });
  const serve = await startServe(store.folder, ["--idle-timeout", "0.5"]);
  expect(await counts(serve, "a")).toEqual({ version: "1", ...all(1) });
  store.deploy({ a: counter("2", "a") });
  expect((await serve.next("reload")).mode).toBe("hold");
  expect(await counts(serve, "a")).toEqual({ version: "2", ...all(2) });
  await serve.next("stop", 0, ({ why }) => why === "idle");
  expect(await counts(serve, "a")).toEqual({ version: "2", ...all(3) });
  await serve.running.stop();
  const next = await startServe(store.folder);
  expect(await counts(next, "a")).toEqual({ version: "2", ...all(4) });
});

test("when a binding joins two graphs with data, the data comes together and nothing is lost", async () => {
  const store = testStore();
  store.deploy({ a: counter("1", "a"), b: counter("1", "b") });
  const serve = await startServe(store.folder);
  for (const n of [1, 2]) expect(await counts(serve, "a")).toEqual({ version: "1", ...all(n) });
  expect(await counts(serve, "b")).toEqual({ version: "1", ...all(1) });
  const home = path.join(store.folder, "data/serve");
  const homes = () => readdirSync(home, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(homes()).toHaveLength(2);

  // Requests go on all the while: none fails.
  let going = true;
  const load = (async () => {
    const statuses: number[] = [];
    while (going) statuses.push((await serve.get("a", "/")).status);
    return statuses;
  })();
  const mark = serve.mark();
  const bound = counter("2", "b");
  bound.bindings!.push({ name: "A", kind: "service", entry: { binding: "A", service: "a" } });
  store.deploy({ b: bound });
  // Those of each alone may still be on their way.
  await serve.next("start", mark, ({ environments }) => environments.length === 2);
  going = false;
  const statuses = await load;
  expect(new Set(statuses)).toEqual(new Set([200]));

  expect(await counts(serve, "b")).toEqual({ version: "2", ...all(2) });
  expect(await counts(serve, "a")).toEqual({ version: "1", ...all(2 + statuses.length + 1) });
  expect(homes()).toHaveLength(1);

  // Apart again, they stay on the folder that they share, and so in one process.
  store.deploy({ b: counter("3", "b") });
  await serve.next("reload", mark);
  expect(await counts(serve, "b")).toEqual({ version: "3", ...all(3) });
  expect((await counts(serve, "a")).version).toBe("1");
  expect(homes()).toHaveLength(1);
});

test("a move of data that was cut short is finished first", async () => {
  const store = testStore();
  store.deploy({ a: counter("1", "a"), b: counter("1", "b") });
  const serve = await startServe(store.folder);
  await counts(serve, "a");
  await counts(serve, "b");
  await serve.running.stop();
  const file = path.join(store.folder, "data/serve/homes.json");
  const table = JSON.parse(readFileSync(file, "utf8"));
  const [from, to] = [table.entries["worker:b@production"].home, table.entries["worker:a@production"].home];
  writeFileSync(file, JSON.stringify({ ...table, moves: [{ from, to }] }));
  // One file has gone over already, without its log.
  const folder = (home: string) => path.join(store.folder, "data/serve", home, "d1/miniflare-D1DatabaseObject");
  const moved = readdirSync(folder(from)).find((name) => /^[0-9a-f]{64}\.sqlite$/.test(name))!;
  mkdirSync(folder(to), { recursive: true });
  renameSync(path.join(folder(from), moved), path.join(folder(to), moved));

  const next = await startServe(store.folder);
  expect(await counts(next, "b")).toEqual({ version: "1", ...all(2) });
  expect(await counts(next, "a")).toEqual({ version: "1", ...all(2) });
  expect(existsSync(path.join(store.folder, "data/serve", from))).toBe(false);
});

test("copies that a killed clone has left are removed, once it cannot be under way any more", async () => {
  const store = testStore();
  const seeds = path.join(store.folder, "data/serve/seeds");
  for (const name of ["left", "left.part", "under-way", "wanted"])
    mkdirSync(path.join(seeds, name), { recursive: true });
  for (const name of ["left", "left.part", "wanted"]) utimesSync(path.join(seeds, name), 1, 1);
  await sweepSeeds(path.join(store.folder, "data/serve"), (seed) => seed === "wanted");
  expect(readdirSync(seeds).sort()).toEqual(["under-way", "wanted"]);
});

test("deleting an environment frees its own editions; one of the same name starts fresh", async () => {
  const store = testStore();
  store.deploy({ a: counter("1", "a") });
  store.deploy({ a: counter("1", "a", "@preview") }, { environment: "preview" });
  const serve = await startServe(store.folder);
  await counts(serve, "a");
  expect(await counts(serve, "preview--a")).toEqual({ version: "1", ...all(1) });
  expect(await counts(serve, "preview--a")).toEqual({ version: "1", ...all(2) });
  store.remove({ service: "a", environment: "preview" });
  await serve.next("stop", 0, ({ why }) => why === "deleted");
  const file = path.join(store.folder, "data/serve/homes.json");
  await expect.poll(() => readFileSync(file, "utf8")).not.toContain("@preview");
  expect((await serve.get("preview--a")).status).toBe(404);

  store.deploy({ a: counter("2", "a", "@preview") }, { environment: "preview" });
  await serve.next("deployed", serve.mark() - 1, ({ environments }) => environments.length === 1);
  expect(await counts(serve, "preview--a")).toEqual({ version: "2", ...all(1) });
  expect(await counts(serve, "a")).toEqual({ version: "1", ...all(2) });
});
