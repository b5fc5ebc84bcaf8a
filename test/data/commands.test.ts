import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { troupe } from "../support/cli.ts";
import { type Dev, startDev } from "../support/dev.ts";
import { makeFolder, removeFolder } from "../support/files.ts";
import { troupeHere, troupeJsonHere } from "../support/here.ts";
import { Wrangler } from "../support/wrangler.ts";

let cwd: string;

beforeAll(() => {
  cwd = makeFolder({
    "troupe.toml": `name = "shop"
main = "src/index.ts"
compatibility_date = "2026-11-01"
kv_namespaces = [{ binding = "CACHE" }]
r2_buckets = [{ binding = "FILES" }]
d1_databases = [{ binding = "DB" }]
[queues]
producers = [{ binding = "JOBS", queue = "jobs" }]
consumers = [{ queue = "jobs", max_batch_timeout = 0 }]
[env.staging]
`,
    "src/index.ts": `export default {
  async fetch(request, env) { return new Response(await env.CACHE.get("greeting")) },
  queue(batch) { for (const message of batch.messages) console.log("got", message.body) },
};
`,
    "bad.json": `[{ "key": "good", "value": "1" }, { "key": "bad" }]`,
    "broken.json": `[{ "key": `,
    "long.json": JSON.stringify([
      { key: "good", value: "1" },
      { key: "k".repeat(513), value: "1" },
    ]),
  });
});

afterAll(() => removeFolder(cwd));

const binary = (...args: string[]) => troupe(args, { cwd });
const run = (...args: string[]) => troupeHere(args, { cwd });
const json = <T>(...args: string[]) => troupeJsonHere<T>(args, { cwd });
const errorOf = async (...args: string[]) => {
  const { code, stderr } = await troupeHere([...args, "--json"], { cwd });
  return { ...(JSON.parse(stderr.trim().split("\n").at(-1)!).error as { message: string; notes: string[] }), code };
};

describe("kv", () => {
  test("stores and gives back text and bytes, with metadata, each environment its own", async () => {
    const bytes = randomBytes(300);
    writeFileSync(path.join(cwd, "blob"), bytes);
    await binary("kv", "put", "CACHE", "greeting", "hello", "--metadata", '{"a":1}');
    await run("kv", "put", "CACHE", "blob", "--path", "blob");
    await run("kv", "put", "CACHE", "greeting", "staged", "--env", "staging");
    expect((await binary("kv", "get", "CACHE", "greeting")).stdout).toBe("hello");
    expect((await run("kv", "get", "CACHE", "greeting", "-e", "staging")).stdout).toBe("staged");
    await run("kv", "get", "CACHE", "blob", "--path", "copy");
    expect(readFileSync(path.join(cwd, "copy")).equals(bytes)).toBe(true);
    const { keys, resource } = await json<{ keys: unknown[]; resource: string }>("kv", "list", "CACHE");
    expect([keys, resource]).toEqual([[{ name: "blob" }, { name: "greeting", metadata: { a: 1 } }], "shop/CACHE"]);
  });

  test("an export can be imported again, bytes and metadata included", async () => {
    const exported = await json<unknown[]>("kv", "export", "CACHE");
    writeFileSync(path.join(cwd, "cache.json"), JSON.stringify(exported));
    expect(await json("kv", "import", "CACHE", "cache.json", "-e", "staging")).toMatchObject({
      imported: 2,
      environment: "staging",
    });
    expect(await json("kv", "export", "CACHE", "-e", "staging")).toEqual(exported);
    expect(await json("kv", "delete", "CACHE", "greeting", "blob", "-e", "staging")).toMatchObject({
      deleted: ["greeting", "blob"],
    });
    expect(await json("kv", "export", "CACHE", "-e", "staging")).toEqual([]);
  });
});

test("r2 stores and gives back objects with their headers", async () => {
  await run("r2", "put", "FILES", "a/b.txt", "text", "--content-type", "text/plain", "--metadata", "by=me");
  const { objects } = await json<{ objects: unknown[] }>("r2", "list", "FILES", "--prefix", "a/");
  expect(objects).toMatchObject([
    { key: "a/b.txt", size: 4, httpMetadata: { contentType: "text/plain" }, customMetadata: { by: "me" } },
  ]);
  expect((await run("r2", "get", "FILES", "a/b.txt")).stdout).toBe("text");
  expect(await json("r2", "export", "FILES", "out")).toMatchObject({ objects: 1, bytes: 4 });
  expect(readFileSync(path.join(cwd, "out/a/b.txt"), "utf8")).toBe("text");
  expect(await json("r2", "import", "FILES", "out", "--prefix", "copy/")).toMatchObject({ objects: 1 });
  expect((await run("r2", "get", "FILES", "copy/a/b.txt")).stdout).toBe("text");
  await run("r2", "delete", "FILES", "a/b.txt");
  expect((await errorOf("r2", "get", "FILES", "a/b.txt")).code).toBe(5);
});

const rows = async (sql: string) =>
  (await json<{ results: { rows: unknown[] }[] }>("d1", "execute", "DB", "--command", sql)).results.at(-1)!.rows;

test("d1: a statement that fails undoes those before it", async () => {
  const failed = await errorOf("d1", "execute", "DB", "--command", "CREATE TABLE gone (a); SELECT nope");
  expect(failed).toMatchObject({ code: 2, notes: ["in: SELECT nope", "Nothing was changed"] });
  expect(await rows("SELECT name FROM sqlite_schema WHERE name = 'gone'")).toEqual([]);
});

test("queues can be filled and looked into while nobody receives", async () => {
  await run("queue", "send", "JOBS", "early");
  await run("queue", "send", "jobs", '{"late":[1]}', "--as-json", "--delay", "3600");
  await run("queue", "send", "JOBS", "staged", "-e", "staging");
  const found = await json<{ messages: unknown[] }>("queue", "peek", "JOBS");
  expect(found).toMatchObject({ resource: "jobs", waiting: 2, bytes: 17, oldest: expect.any(String) });
  expect(found.messages).toMatchObject([
    { contentType: "text", body: "early", attempts: 0 },
    { contentType: "json", body: { late: [1] }, delayedUntil: expect.any(String) },
  ]);
  expect((await json<{ messages: unknown[] }>("queue", "peek", "JOBS", "--limit", "1")).messages).toHaveLength(1);
  expect(await json("queue", "peek", "JOBS", "-e", "staging")).toMatchObject({ resource: "jobs@staging", waiting: 1 });
  expect((await run("queue", "peek", "JOBS")).stdout).toMatch(
    /2 messages \(17 B\) wait in jobs.*\n.*early\n.*\{"late":\[1\]\} {2}\(not before/,
  );
  expect(await errorOf("queue", "send", "JOBS", "{", "--as-json")).toMatchObject({
    code: 2,
    message: "This message is no JSON: {",
  });
  expect(await errorOf("queue", "send", "JOBS", "x", "--delay", "86401")).toMatchObject({ code: 2 });
  expect(await errorOf("queue", "peek", "JOBZ")).toMatchObject({ code: 5, notes: ['Did you mean "JOBS"?'] });
});

describe("while dev is running", () => {
  let dev: Dev;
  beforeAll(async () => {
    dev = await startDev(cwd);
  });
  afterAll(() => dev?.stop());

  test("the data of the running services is what the commands see", async () => {
    await binary("kv", "put", "CACHE", "greeting", "from outside");
    expect((await dev.get("")).body).toBe("from outside");
    expect((await binary("kv", "get", "CACHE", "greeting")).stdout).toBe("from outside");
  });

  test("data of an environment that does not run is reached as well", async () => {
    await run("kv", "put", "CACHE", "greeting", "staged again", "-e", "staging");
    expect((await run("kv", "get", "CACHE", "greeting", "-e", "staging")).stdout).toBe("staged again");
    expect((await dev.get("")).body).toBe("from outside");
  });

  test("messages reach the consumer, errors come back as they are", async () => {
    // Sent before `dev` was there.
    expect((await dev.next("log", 0)).message).toBe("got early");
    const before = dev.mark();
    await binary("queue", "send", "JOBS", "one");
    expect((await dev.next("log", before)).message).toBe("got one");
    await dev.next("queue", before);
    expect(await json("queue", "peek", "JOBS")).toMatchObject({
      resource: "jobs",
      waiting: 1,
      messages: [{ body: { late: [1] } }],
    });
    expect(await json("queue", "peek", "JOBS", "-e", "staging")).toMatchObject({ waiting: 1 });
    expect(await errorOf("kv", "get", "CACHE", "nothing")).toMatchObject({
      code: 5,
      message: 'There is no key "nothing"',
    });
  });

  test("long messages and many keys reach it", async () => {
    const before = dev.mark();
    await run("queue", "send", "JOBS", "x".repeat(100_000));
    const got = await dev.next("log", before, ({ message }) => message.startsWith("got x"));
    expect(got.message).toHaveLength("got ".length + 100_000);
    expect(await errorOf("queue", "send", "JOBS", "x".repeat(128_001))).toMatchObject({
      code: 2,
      message: expect.stringContaining("128001 bytes exceeds limit of 128000"),
    });
    const keys = Array.from({ length: 60 }, (_, index) => `${"a-rather-long-key-".repeat(20)}${index}`);
    expect(await json("kv", "delete", "CACHE", ...keys)).toMatchObject({ deleted: keys });
  });

  test("a binding that was added a moment ago is there", async () => {
    for (const name of ["LATE_A", "LATE_B", "LATE_C"]) {
      await run("bindings", "add", "kv", name);
      expect(await json("kv", "put", name, "a", "1")).toMatchObject({ binding: name, size: 1 });
    }
  });

  test("nobody gets in without the token", async () => {
    const owner = JSON.parse(readFileSync(path.join(cwd, ".troupe/data/dev/owner.json"), "utf8"));
    const answer = await fetch(`${owner.control}/data`, { method: "POST", headers: { authorization: "Bearer wrong" } });
    expect(answer.status).toBe(401);
  });

  test.each([
    ["bad.json", /Entry 2: "value" must be a string; nothing was written/],
    ["broken.json", /This is no JSON: .*; nothing was written/],
    ["long.json", /Entry 2: The key "k+…" has 513 bytes; at most 512 are allowed; nothing was written/],
  ])("refuses all of %s", async (file, message) => {
    expect(await errorOf("kv", "import", "CACHE", file)).toMatchObject({
      code: 2,
      message: expect.stringMatching(message),
    });
    expect(
      (await json<{ keys: { name: string }[] }>("kv", "list", "CACHE")).keys.map(({ name }) => name),
    ).not.toContain("good");
  });

  test.each([
    [["--expiration", "5"], "would have expired on 1970"],
    [["--expiration", "in 50 s"], "at least 60 are needed"],
    [["--ttl", "59"], "at least 60 are needed"],
    [["--ttl", "60.5"], "whole number of seconds"],
    [["--metadata", JSON.stringify("x".repeat(1023))], "1025 bytes; at most 1024"],
  ])("refuses what expires or says too much: %j", async (flags, said) => {
    const soon = String(Math.floor(Date.now() / 1000) + 50);
    const given = flags.map((flag) => (flag === "in 50 s" ? soon : flag));
    expect(await errorOf("kv", "put", "CACHE", "limits", "1", ...given)).toMatchObject({
      code: 2,
      message: expect.stringContaining(said),
    });
    expect((await errorOf("kv", "get", "CACHE", "limits")).code).toBe(5);
  });

  test("refuses an import with an expiry that is none, before anything is written", async () => {
    writeFileSync(
      path.join(cwd, "expiry.json"),
      JSON.stringify([
        { key: "first", value: "1" },
        { key: "second", value: "1", expiration: "soon" },
      ]),
    );
    expect((await errorOf("kv", "import", "CACHE", "expiry.json")).message).toContain(
      'Entry 2: The time of expiry of "second"',
    );
    expect((await errorOf("kv", "get", "CACHE", "first")).code).toBe(5);
  });

  test("says what there is when a name leads nowhere", async () => {
    expect(await errorOf("kv", "get", "CACHF", "a")).toMatchObject({ code: 5, notes: ['Did you mean "CACHE"?'] });
    expect(await errorOf("kv", "list", "FILES")).toMatchObject({
      code: 5,
      message: expect.stringContaining("not a KV namespace"),
    });
    expect(await errorOf("kv", "get", "CACHE", "nothing")).toMatchObject({
      code: 5,
      message: 'There is no key "nothing"',
    });
  });

  test("r2 refuses too much metadata", async () => {
    const metadata = ["a", "b"].flatMap((name) => ["--metadata", `${name}=${"x".repeat(4096)}`]);
    expect(await errorOf("r2", "put", "FILES", "big", "1", ...metadata)).toMatchObject({
      code: 2,
      message: expect.stringContaining("8194 bytes; at most 8192"),
    });
  });

  test("refuses a statement that is too long", async () => {
    writeFileSync(path.join(cwd, "long.sql"), `SELECT 1; SELECT '${"x".repeat(100_000)}';`);
    expect(await errorOf("d1", "execute", "DB", "--file", "long.sql")).toMatchObject({
      code: 2,
      message: expect.stringContaining("at most 100000"),
    });
  });

  test("applies migrations one by one, stops at the first that fails, and says what was applied", async () => {
    const created = await json<{ file: string }>("d1", "migrations", "create", "DB", "add users");
    expect(path.relative(cwd, created.file)).toBe(path.join("migrations", "0001_add_users.sql"));
    writeFileSync(created.file, "CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('ann; or not');\n");
    const second = await json<{ file: string }>("d1", "migrations", "create", "DB", "break");
    writeFileSync(second.file, "INSERT INTO users VALUES ('bob'); INSERT INTO nowhere VALUES (1);\n");
    const failed = await errorOf("d1", "migrations", "apply", "DB");
    expect(failed).toMatchObject({
      code: 2,
      message: expect.stringMatching(/^Migration 0002_break.sql: D1: no such table: nowhere/),
    });
    expect(failed.notes).toEqual([
      "in: INSERT INTO nowhere VALUES (1)",
      "Nothing was changed",
      "Applied before it: 0001_add_users.sql",
    ]);
    expect(await rows("SELECT name FROM users")).toEqual([{ name: "ann; or not" }]);
    writeFileSync(second.file, "INSERT INTO users VALUES ('bob');\n");
    expect(await json("d1", "migrations", "apply", "DB")).toMatchObject({ now: ["0002_break.sql"], pending: [] });
    expect(await json("d1", "migrations", "list", "DB")).toMatchObject({
      applied: ["0001_add_users.sql", "0002_break.sql"],
      pending: [],
    });
  });

  test("keeps the same table of migrations as Wrangler", async () => {
    const wrangler = new Wrangler();
    const folder = makeFolder({
      "wrangler.toml": `name = "w"\ncompatibility_date = "2026-11-01"\n[[d1_databases]]\nbinding = "DB"\ndatabase_name = "db"\ndatabase_id = "11111111-1111-1111-1111-111111111111"\n`,
      "migrations/0001_a.sql": "CREATE TABLE a (b);\n",
    });
    try {
      await wrangler.run(["d1", "migrations", "apply", "DB", "--local"], { cwd: folder });
      const sql = "SELECT sql FROM sqlite_schema WHERE name = 'd1_migrations'";
      const state = path.join(folder, ".wrangler/state/v3/d1");
      const [theirs] = readdirSync(state, { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".sqlite"))
        .flatMap((file) => {
          const database = new DatabaseSync(path.join(state, file), { readOnly: true });
          const found = database.prepare(sql).all();
          database.close();
          return found as { sql: string }[];
        });
      const [ours] = (await rows(sql)) as [{ sql: string }];
      const tidy = (text: string) =>
        text
          .replace(/["\s]+/g, " ")
          .replace(/ ?\( ?/g, "(")
          .replace(/ \)/g, ")")
          .trim();
      expect(tidy(ours.sql)).toBe(tidy(theirs!.sql));
    } finally {
      await wrangler.close();
      removeFolder(folder);
    }
  });
});
