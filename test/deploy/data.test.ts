/** `env clone --data copy`: the clone starts with what the first one held at that moment, and goes its own way from there. */
import path from "node:path";
import { expect, test } from "vitest";
import { startTroupe } from "../support/cli.ts";
import { request } from "../support/dev.ts";
import { testFolder } from "../support/files.ts";
import { troupeHere as troupe, troupeJsonHere as troupeJson } from "../support/here.ts";

const CODE = `export default { async fetch(request, env) {
  const { pathname, search } = new URL(request.url);
  if (search) {
    const value = search.slice(1);
    await env.DB.exec("CREATE TABLE IF NOT EXISTS t (v TEXT)");
    await env.DB.prepare("INSERT INTO t VALUES (?)").bind(value).run();
    await env.KV.put("key", value);
    await env.FILES.put("file", value);
  }
  const rows = await env.DB.prepare("SELECT v FROM t").all().catch(() => ({ results: [] }));
  const file = await env.FILES.get("file");
  return Response.json([await env.KV.get("key"), file && (await file.text()), rows.results.map(({ v }) => v)]);
} };
`;
const CONFIG = `name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
[[kv_namespaces]]
binding = "KV"
[[r2_buckets]]
binding = "FILES"
bucket_name = "files"
[[d1_databases]]
binding = "DB"
database_name = "shop"
`;

test("KV, R2 and D1 are copied while they are in use", async () => {
  const cwd = testFolder({ "troupe.toml": CONFIG, "index.js": CODE });
  await troupeJson(["deploy"], { cwd });
  const serve = startTroupe(["serve", "--port", "0", "--json"], { cwd });
  try {
    const ready = await serve.event(({ reason }) => reason === "ready");
    const port = Number(new URL(ready.url).port);
    const ask = async (host: string, query = "") => JSON.parse((await request(port, host, `/${query}`)).body);
    expect(await ask("shop.localhost", "?one")).toEqual(["one", "one", ["one"]]);
    await troupeJson(["env", "clone", "production", "two", "--data", "copy"], { cwd });
    expect(await ask("shop.localhost", "?later")).toEqual(["later", "later", ["one", "later"]]);
    expect(await ask("two--shop.localhost")).toEqual(["one", "one", ["one"]]);
    expect(await ask("two--shop.localhost", "?own")).toEqual(["own", "own", ["one", "own"]]);
    expect(await ask("shop.localhost")).toEqual(["later", "later", ["one", "later"]]);
    // A copy that has not run yet can be copied, too.
    await troupeJson(["env", "clone", "two", "three", "--data", "copy"], { cwd });
    await troupeJson(["env", "clone", "three", "four", "--data", "copy"], { cwd });
    expect(await ask("four--shop.localhost")).toEqual(["own", "own", ["one", "own"]]);
  } finally {
    await serve.stop();
  }
});

const CHAT = {
  "troupe.toml": `name = "chat"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[[durable_objects.bindings]]\nname = "ROOM"\nclass_name = "Room"\n[[migrations]]\ntag = "v1"\nnew_sqlite_classes = ["Room", "Hall"]\n`,
  "index.js": `import { DurableObject } from "cloudflare:workers";\nexport class Room extends DurableObject {}\nexport class Hall extends DurableObject {}\nexport default { fetch: () => new Response("ok") };\n`,
};

const ROOMS = {
  "troupe.toml": '[workspace]\nmembers = ["*"]\n',
  "chat/troupe.toml": `name = "chat"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[[durable_objects.bindings]]\nname = "ROOM"\nclass_name = "Room"\n`,
  "chat/index.js": `import { DurableObject } from "cloudflare:workers";
export class Room extends DurableObject {
  add(value) { return this.ctx.storage.put(value, true); }
  alarm() {}
  async ring() { await this.ctx.storage.setAlarm(Date.now() + 3_600_000); }
  async all() { return [...(await this.ctx.storage.list()).keys(), ...((await this.ctx.storage.getAlarm()) ? ["alarm"] : [])]; }
}
export default { async fetch(request, env) {
  const { searchParams } = new URL(request.url);
  const id = searchParams.has("id") ? env.ROOM.idFromString(searchParams.get("id")) : searchParams.has("new") ? env.ROOM.newUniqueId() : env.ROOM.idFromName("hall");
  const room = env.ROOM.get(id);
  if (searchParams.has("add")) await room.add(searchParams.get("add"));
  if (searchParams.has("ring")) await room.ring();
  return Response.json({ id: id.toString(), all: await room.all() });
} };
`,
  "site/troupe.toml": `name = "site"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[[services]]\nbinding = "CHAT"\nservice = "chat"\n`,
  "site/index.js": "export default { fetch: (request, env) => env.CHAT.fetch(request) };\n",
};

test("Durable Objects are copied while they are in use: objects of the same ids, with their alarms", async () => {
  const cwd = testFolder(ROOMS);
  await troupeJson(["deploy"], { cwd });
  const serve = startTroupe(["serve", "--port", "0", "--json"], { cwd });
  try {
    const ready = await serve.event(({ reason }) => reason === "ready");
    const port = Number(new URL(ready.url).port);
    const ask = async (host: string, query = "") => JSON.parse((await request(port, host, `/?${query}`)).body);
    const hall = await ask("chat.localhost", "add=one");
    const unique = await ask("chat.localhost", "new&add=two&ring");
    const clone = (from: string, to: string) =>
      troupeJson(["env", "clone", from, to, "--data", "copy", "-s", "chat"], { cwd });
    await clone("production", "two");
    // A copy that has not run yet can be copied, too.
    await clone("two", "three");
    expect((await ask("chat.localhost", "add=later")).all).toEqual(["later", "one"]);
    expect(await ask("two--chat.localhost", "add=own")).toEqual({ id: hall.id, all: ["one", "own"] });
    expect(await ask("two--chat.localhost", `id=${unique.id}`)).toEqual({ id: unique.id, all: ["two", "alarm"] });
    expect((await ask("three--chat.localhost")).all).toEqual(["one"]);
    expect((await ask("chat.localhost")).all).toEqual(["later", "one"]);
  } finally {
    await serve.stop();
  }
});

test("a copy of Durable Objects never meets the originals in one process", async () => {
  const cwd = testFolder({
    ...ROOMS,
    "chat/troupe.toml": `${ROOMS["chat/troupe.toml"]}[[services]]\nbinding = "LOG"\nservice = "log"\n[[workflows]]\nbinding = "FLOW"\nname = "flow"\nclass_name = "Flow"\n`,
    "chat/index.js": `${ROOMS["chat/index.js"]}import { WorkflowEntrypoint } from "cloudflare:workers";\nexport class Flow extends WorkflowEntrypoint {}\n`,
    "log/troupe.toml": `name = "log"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n`,
    "log/index.js": "export default { fetch: () => new Response() };\n",
  });
  await troupeJson(["deploy"], { cwd });
  const copy = (...flags: string[]) =>
    troupe(["env", "clone", "production", "two", "--data", "copy", "-s", "chat", ...flags], { cwd });
  expect(await copy()).toMatchObject({
    code: 6,
    stderr: expect.stringContaining("chat@two has copies of the Durable Objects of chat@production"),
  });
  expect(await copy("--graph")).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("chat@two starts without instances of the Workflow FLOW"),
  });
  for (const change of [
    ["env", "rename", "two", "three", "-s", "chat"],
    ["env", "delete", "two", "-s", "log", "--yes", "--force"],
  ]) {
    const refused = await troupe(change, { cwd });
    expect(refused, change.join(" ")).toMatchObject({ code: 6, stderr: expect.stringContaining("in one process") });
  }
});

test("Durable Objects are not shared, which is said; who binds them elsewhere has nothing to copy", async () => {
  const cwd = testFolder({
    "troupe.toml": '[workspace]\nmembers = ["*"]\n',
    "chat/troupe.toml": CHAT["troupe.toml"],
    "chat/index.js": CHAT["index.js"],
    "site/troupe.toml": `name = "site"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[[durable_objects.bindings]]\nname = "ROOM"\nclass_name = "Room"\nscript_name = "chat"\n`,
    "site/index.js": "export default { fetch: () => new Response('ok') };\n",
  });
  await troupeJson(["deploy"], { cwd });
  const share = await troupe(["env", "clone", "production", "two", "--data", "share", "-s", "chat"], { cwd });
  expect(share).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("chat@two has its own Durable Objects of Hall, Room"),
  });
  const copy = await troupe(["env", "clone", "production", "two", "--data", "copy", "-s", "site"], { cwd });
  expect(copy).toMatchObject({ code: 0, stderr: "" });
});

test("a new environment that starts from another has its secrets", async () => {
  const cwd = testFolder({
    "troupe.toml": `name = "shop"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[secrets]\nrequired = ["TOKEN"]\n[env.staging]\n`,
    "index.js": `export default { fetch: () => new Response("ok") };\n`,
  });
  const put = await troupe(["secret", "put", "TOKEN", "-e", "staging"], { cwd, input: "sesame" });
  expect(put.code, put.stderr).toBe(0);
  await troupeJson(["deploy", "-e", "staging"], { cwd });
  await troupeJson(["deploy", "-e", "pr-7", "--create", "--from", "staging"], { cwd });
  const list = await troupeJson<{ secrets: { name: string }[] }>(["secret", "list", "-e", "pr-7"], { cwd });
  expect(list.secrets.map(({ name }) => name)).toEqual(["TOKEN"]);
  expect(path.isAbsolute(cwd)).toBe(true);
});
