import path from "node:path";
import { expect, test } from "vitest";
import { troupe, troupeJson } from "../support/cli.ts";
import { testFolder, writeFiles } from "../support/files.ts";
import { startServe } from "../support/serve.ts";

const CONFIG = `name = "shop"
main = "index.ts"
compatibility_date = "2026-11-01"
kv_namespaces = [{ binding = "CACHE" }]
[queues]
producers = [{ binding = "JOBS", queue = "jobs" }]
consumers = [{ queue = "jobs", max_batch_timeout = 0 }]
[env.staging]
vars = { NAME = "staging" }
`;
const CODE = (version: string) => `export default {
  async fetch(request, env) { return new Response("${version} " + (env.NAME ?? "") + (await env.CACHE.get("greeting"))) },
  queue(batch) { for (const message of batch.messages) console.log("got", message.body) },
};`;

test("deployed by the command, served at once, its data within reach of the data commands", async () => {
  const cwd = testFolder({ "troupe.toml": CONFIG, "index.ts": CODE("one") });
  const json = <T>(...args: string[]) => troupeJson<T>(args, { cwd });
  const refused = await troupe(["kv", "get", "CACHE", "greeting", "--deployed", "--json"], { cwd });
  expect([refused.code, JSON.parse(refused.stderr).error.code]).toEqual([5, "NOT_FOUND"]);
  await json("deploy");
  // Nobody serves it: the command takes hold of the data itself.
  await json("kv", "put", "CACHE", "early", "bird", "--deployed");

  const serve = await startServe(path.join(cwd, ".troupe"), [], { cwd });
  await json("kv", "put", "CACHE", "greeting", "hello", "--deployed");
  const { keys } = await json<{ keys: { name: string }[] }>("kv", "list", "CACHE", "--deployed");
  expect(keys.map(({ name }) => name)).toEqual(["early", "greeting"]);
  expect((await serve.get("shop")).body).toBe("one hello");
  // That of dev is another one.
  expect((await troupe(["kv", "get", "CACHE", "greeting"], { cwd })).code).toBe(5);

  const mark = serve.mark();
  writeFiles(cwd, { "index.ts": CODE("two") });
  const { deployments } = await json<{ deployments: { version: number; url: string }[] }>("deploy");
  expect(deployments).toMatchObject([{ version: 2, url: serve.ready.urls.shop }]);
  await serve.next("reload", mark);
  expect((await serve.get("shop")).body).toBe("two hello");

  await json("deploy", "--env", "staging");
  await serve.next("deployed", mark, ({ environments }) => environments[0]?.environment === "staging");
  await json("kv", "put", "CACHE", "greeting", "hi", "--env", "staging", "--deployed");
  expect((await serve.get("staging--shop")).body).toBe("two staginghi");
  await json("queue", "send", "JOBS", "wrap it", "--deployed");
  expect((await serve.next("log")).message).toBe("got wrap it");

  await json("env", "delete", "staging", "--service", "shop", "--yes");
  await serve.next("deployed", mark, ({ removed }) => removed.length === 1);
  expect((await serve.get("staging--shop")).status).toBe(404);
});

test("a route belongs to one environment: another one that wants it is not deployed", async () => {
  const service = (name: string, routes: string) =>
    `name = "${name}"\nmain = "../index.ts"\ncompatibility_date = "2026-11-01"\nroutes = ${routes}\n`;
  const cwd = testFolder({
    "troupe.toml": '[workspace]\nmembers = ["a", "b"]\n',
    "index.ts": CODE("one"),
    "a/troupe.toml": service("a", '["shop.example.test/*"]'),
    "b/troupe.toml": service("b", '["Shop.example.test/*"]'),
  });
  const run = (...args: string[]) => troupe(["deploy", "--json", ...args], { cwd });
  expect((await run("--service", "a")).code).toBe(0);
  const refused = await run("--service", "b");
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("belongs to a@production and b@production");
  writeFiles(cwd, { "b/troupe.toml": service("b", '["other.example.test/*"]') });
  expect((await run("--service", "b")).code).toBe(0);
  writeFiles(cwd, { "b/troupe.toml": service("b", '["other.example.test/*.jpg"]') });
  expect((await run("--service", "b")).stderr).toContain("has a `*` inside its path");
});
