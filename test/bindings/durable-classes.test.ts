/** Storage of Durable Object classes across versions: renamed, made anew, on the older storage. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Migration } from "../../src/model.ts";
import { bindingsOf, type Running, spec, start } from "./support.ts";

const code = (className: string) => `
import { DurableObject } from "cloudflare:workers";
export class ${className} extends DurableObject {
  async add() {
    const total = ((await this.ctx.storage.get("n")) ?? 0) + 1;
    await this.ctx.storage.put("n", total);
    let sql = true;
    try { this.ctx.storage.sql.exec("SELECT 1"); } catch { sql = false; }
    return { total, sql };
  }
}
export default { fetch: async (request, env) => Response.json(await env.COUNTER.getByName("a").add()) };`;

const service = (className: string, migrations: Migration[]) => {
  const config = { durable_objects: { bindings: [{ name: "COUNTER", class_name: className }] } };
  return { counter: { code: code(className), environment: { bindings: bindingsOf("counter", config), migrations } } };
};

let dir: string;
let running: Running;
const swap = (className: string, migrations: Migration[]) =>
  running.runtime.swap(spec(service(className, migrations), { persistTo: dir }));
const add = () => running.json("counter", "/");

const made = { tag: "v1", new_sqlite_classes: ["Old"] };
const renamed = { tag: "v2", renamed_classes: [{ from: "Old", to: "Renamed" }] };
const again = { tag: "v3", new_sqlite_classes: ["Old"] };

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "troupe-classes-"));
  running = await start(service("Old", []), { persistTo: dir });
}, 60_000);
afterAll(async () => {
  await running?.close();
  await rm(dir, { recursive: true });
});

test("SQLite storage without a migration, the same when one is written later", async () => {
  expect(await add()).toEqual({ total: 1, sql: true });
  await swap("Old", [made]);
  expect(await add()).toEqual({ total: 2, sql: true });
});

test("a renamed class keeps its objects; a new one of the old name begins empty", async () => {
  await swap("Renamed", [made, renamed]);
  expect(await add()).toEqual({ total: 3, sql: true });
  await swap("Old", [made, renamed, again]);
  expect(await add()).toEqual({ total: 1, sql: true });
  await swap("Renamed", [made, renamed, again]);
  expect(await add()).toEqual({ total: 4, sql: true });
});

test("`new_classes` means the older storage", async () => {
  await swap("Plain", [{ tag: "v1", new_classes: ["Plain"] }]);
  expect(await add()).toEqual({ total: 1, sql: false });
});
