/** Wrangler's spellings of the data commands, and `d1 export`. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { main } from "../../src/main.ts";
import { type DevServer, startDev } from "../../src/ops/dev/index.ts";
import { type CliOptions, troupe } from "../support/cli.ts";
import { makeFolder, removeFolder } from "../support/files.ts";
import { troupeHere } from "../support/here.ts";

const ID = "0123456789abcdef0123456789abcdef";
let cwd: string;
let dev: DevServer;

beforeAll(async () => {
  cwd = makeFolder({
    "wrangler.toml": `name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
kv_namespaces = [{ binding = "CACHE", id = "${ID}" }]
r2_buckets = [{ binding = "FILES", bucket_name = "files" }]
d1_databases = [{ binding = "DB", database_name = "users", database_id = "01234567-89ab-cdef-0123-456789abcdef" }]
`,
    "index.js": "export default { fetch: () => new Response() };\n",
    "bulk.json": JSON.stringify([
      { key: "a", value: "1" },
      { key: "b", value: "MjI=", base64: true },
      { key: "c", value: "3" },
    ]),
    "keys.json": `["a", { "name": "b" }, "missing"]`,
    "nokeys.json": `["a", 1]`,
    "picture.png": "not really",
  });
  // Holds the data, so that not every command has to start a runtime for it.
  dev = await startDev({ cwd, port: 0, watch: false, processEnv: {} });
});
afterAll(async () => {
  await dev?.stop();
  removeFolder(cwd);
});

const run = (line: string, options: CliOptions = {}) => troupeHere(line.split(" "), { cwd, ...options });
const out = async (line: string, options: CliOptions = {}) => {
  const { code, stdout, stderr } = await run(line, options);
  expect(stderr, line).not.toContain("error");
  expect(code, line).toBe(0);
  return stdout;
};

describe("kv", () => {
  test("kv key", async () => {
    await out(`kv key put greeting hello --namespace-id ${ID} --local`);
    await out(`kv key put other --path picture.png --binding CACHE --metadata {"a":1}`);
    expect(await out("kv get CACHE greeting")).toBe("hello");
    expect(await out("kv key get other --binding CACHE --text")).toBe("not really");
    expect(JSON.parse(await out("kv key list --binding CACHE"))).toEqual([
      { name: "greeting" },
      { name: "other", metadata: { a: 1 } },
    ]);
    await out("kv key delete greeting --binding=CACHE");
    expect((await run("kv key get greeting --binding CACHE")).code).toBe(5);
  });

  test("kv bulk", async () => {
    expect(await out("kv bulk put bulk.json --binding CACHE")).toContain("3 keys");
    expect(JSON.parse(await out("kv bulk get keys.json --binding CACHE"))).toEqual({
      a: { value: "1" },
      b: { value: "22" },
      missing: { value: null },
    });
    await out("kv bulk delete keys.json --binding CACHE --force");
    expect(JSON.parse(await out("kv key list --binding CACHE --prefix c"))).toEqual([{ name: "c" }]);
    expect((await run("kv get CACHE b")).code).toBe(5);
  });

  test.each([
    ["kv key get greeting", "--binding or --namespace-id"],
    ["kv key get greeting --binding CACHE --remote", "Leave --remote away"],
    ["kv bulk delete nokeys.json --binding CACHE", "entry 2 is no key"],
    ["kv bulk delete bulk.json --binding CACHE", "entry 1 is no key"],
    ["r2 object get files", "BUCKET/KEY"],
  ])("refuses %s", async (line, said) => {
    const { code, stderr } = await run(line);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });
});

test("says where a binding is that an environment does not have", async () => {
  const cwd = makeFolder({
    "wrangler.toml": `name = "shop"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\nkv_namespaces = [{ binding = "CACHE", id = "${ID}" }]\n[env.staging]\n`,
    "index.js": "export default { fetch: () => new Response() };\n",
  });
  const { code, stderr } = await run("kv list CACHE -e staging", { cwd });
  expect(code).toBe(5);
  expect(stderr).toContain("shop@production has one of that name");
  removeFolder(cwd);
});

test("r2 object", async () => {
  await out("r2 object put files/in/a.png --file picture.png --ct image/png --cd inline");
  const piped = await troupe(["r2", "object", "put", "files/b.txt", "--pipe"], { cwd, input: "from stdin" });
  expect(piped.code, piped.stderr).toBe(0);
  expect(JSON.parse(await out("r2 list FILES --json")).objects).toMatchObject([
    { key: "b.txt" },
    { key: "in/a.png", httpMetadata: { contentType: "image/png", contentDisposition: "inline" } },
  ]);
  expect(await out("r2 object get files/b.txt --pipe")).toBe("from stdin");
  await out("r2 object get files/in/a.png");
  expect(readFileSync(path.join(cwd, "in/a.png"), "utf8")).toBe("not really");
  await out("r2 object get FILES/b.txt --file b.copy");
  expect(readFileSync(path.join(cwd, "b.copy"), "utf8")).toBe("from stdin");
  await out("r2 object delete files/b.txt");
  expect((await run("r2 object get files/b.txt --pipe")).code).toBe(5);
  expect((await run("r2 object get files/nowhere.txt")).code).toBe(5);
  expect(existsSync(path.join(cwd, "nowhere.txt"))).toBe(false);
});

describe("d1 export", () => {
  const SQL = `CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, photo BLOB);
INSERT INTO users VALUES (1, 'O''Hara; -- no comment', x'00ff'), (2, NULL, NULL);
CREATE TABLE logs (line TEXT);
INSERT INTO logs VALUES ('two' || char(10) || 'lines');
CREATE INDEX by_name ON users (name);`;

  beforeAll(async () => {
    await out("d1 execute DB --local --yes", { input: SQL });
  });

  test("makes the same database again", async () => {
    await out("d1 export users --local --output out/dump.sql");
    const other = makeFolder({
      "troupe.toml": `name = "other"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\nd1_databases = [{ binding = "DB" }]\n`,
      "index.js": "export default { fetch: () => new Response() };\n",
    });
    await out(`d1 execute DB --file ${path.join(cwd, "out/dump.sql")}`, { cwd: other });
    expect(await out("d1 export DB", { cwd: other })).toBe(readFileSync(path.join(cwd, "out/dump.sql"), "utf8"));
    const rows = JSON.parse(
      (
        await troupeHere(["d1", "execute", "DB", "--json", "--command", "SELECT name, hex(photo) AS p FROM users"], {
          cwd: other,
        })
      ).stdout,
    ).results[0].rows;
    expect(rows).toEqual([
      { name: "O'Hara; -- no comment", p: "00FF" },
      { name: null, p: "" },
    ]);
    removeFolder(other);
  });

  test("takes parts", async () => {
    const schema = await out("d1 export DB --no-data");
    expect(schema).toMatch(/CREATE TABLE/);
    expect(schema).not.toMatch(/INSERT/);
    const logs = await out("d1 export DB --table logs --no-schema");
    expect(logs).toMatch(/INSERT INTO "?logs/);
    expect(logs).not.toMatch(/users|CREATE/);
    const { code, stderr } = await run("d1 export DB --table user");
    expect(code).toBe(5);
    expect(stderr).toContain("tables: users, logs");
  });
});

test("counts up on a terminal while many keys are stored", async () => {
  const [stdin, stdout, stderr] = [true, true, true].map(() => Object.assign(new PassThrough(), { isTTY: true }));
  let said = "";
  stderr!.on("data", (chunk) => {
    said += chunk;
  });
  stdout!.resume();
  const many = Array.from({ length: 501 }, (_, index) => ({ key: `k${index}`, value: "v" }));
  const folder = makeFolder({
    "troupe.toml": `name = "app"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\nkv_namespaces = [{ binding = "KV" }]\n`,
    "index.js": "export default { fetch: () => new Response() };\n",
    "many.json": JSON.stringify(many),
  });
  const code = await main(["kv", "import", "KV", "many.json"], {
    cwd: folder,
    env: {},
    stdin: stdin!,
    stdout: stdout!,
    stderr: stderr!,
    now: () => new Date(),
    fetch,
    signal: new AbortController().signal,
    crash: new Promise<never>(() => {}),
  });
  expect(code, said).toBe(0);
  expect(said.split("\r").filter(Boolean)).toEqual(["500 of 501 keys", "501 of 501 keys\n"]);
  removeFolder(folder);
});
