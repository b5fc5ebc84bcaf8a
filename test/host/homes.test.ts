import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { type DataUser, Homes } from "../../src/host/homes.ts";
import { testFolder } from "../support/files.ts";
import { graph } from "../support/graph.ts";

/** An environment with a KV namespace that all of them share, and with Durable Objects. */
function user(id: string, row: number, settings = {}): DataUser {
  const [worker] = graph({
    it: {
      code: "export class Room {}",
      bindings: [
        { name: "KV", kind: "kv", entry: { binding: "KV" }, resource: "shared" },
        { name: "ROOM", kind: "durable-object", entry: { name: "ROOM", class_name: "Room" } },
      ],
    },
  }).workers;
  return { id, environment: worker!.environment, record: { id: row, settings } };
}

test("copies of Durable Objects go with the environment that has them, not with the one they are named after", async () => {
  const folder = testFolder({});
  const gone = new Set<string>();
  const homes = await Homes.open(folder, (name) => !gone.has(name));
  const copy = user("it@two", 2, { objects: "it@production" });
  const home = await homes.claim([copy, user("other@two", 3)]);
  const rooms = (worker: string) => path.join(home, "do", `${worker}-Room`);
  for (const worker of ["it@production", "other@two"]) {
    mkdirSync(rooms(worker), { recursive: true });
    writeFileSync(path.join(rooms(worker), "metadata.sqlite"), "");
  }
  gone.add("it@two#2");
  await homes.free(() => true);
  expect(existsSync(rooms("it@production"))).toBe(true);
  // Before the originals come into this home: their files have the same names.
  expect(await homes.claim([user("it@production", 1), user("other@two", 3)])).toBe(home);
  expect([existsSync(rooms("it@production")), existsSync(rooms("other@two"))]).toEqual([false, true]);
});
