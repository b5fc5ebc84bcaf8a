/** What is around a Worker, over several deploys: what the config no longer has goes, whatever happened in between. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { deploy } from "../../src/ops/deploy.ts";
import { rollback, rollout } from "../../src/ops/environments.ts";
import { testFolder, writeFiles } from "../support/files.ts";
import { type CloudServer, startCloud } from "./server.ts";

let server: CloudServer;
let cwd: string;
beforeAll(async () => {
  server = await startCloud();
});
afterAll(() => server.close());
beforeEach(() => {
  server.reset();
  cwd = testFolder();
});

const at = () => server.at(cwd);

const AROUND = `routes = ["shop.example.com/*", { pattern = "shop.example.org", custom_domain = true }]
triggers = { crons = ["1 * * * *"] }
queues = { consumers = [{ queue = "jobs" }] }
`;

function write(more: string, code = "one"): void {
  writeFiles(cwd, {
    "troupe.toml": `name = "shop"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n${more}`,
    "index.js": `export default { fetch: () => new Response("${code}"), scheduled() {}, queue() {} };\n`,
  });
}

function around() {
  const { routes, schedules } = server.cloud.scripts.get("shop")!;
  return {
    routes: routes.map(({ pattern }) => pattern),
    domains: server.cloud.domains.map(({ hostname }) => hostname),
    schedules,
    consumers: server.cloud.queues.flatMap(({ consumers }) => consumers.map(({ script }) => script)),
    leftMarks: server.cloud.scripts.get("shop")!.tags.filter((tag) => tag.startsWith("troupe:")),
  };
}

const NONE = { routes: [], domains: [], schedules: [], consumers: [], leftMarks: [] };
const ALL = {
  routes: ["shop.example.com/*"],
  domains: ["shop.example.org"],
  schedules: ["1 * * * *"],
  consumers: ["shop"],
  leftMarks: [],
};

test("they come and go without any other change, and each time there is a version to go back to", async () => {
  write("");
  await deploy(at());
  write(AROUND);
  expect((await deploy({ ...at(), dryRun: true })).results).toMatchObject([{ version: 2, changed: true }]);
  expect((await deploy(at())).results).toMatchObject([{ version: 2, changed: true }]);
  expect(around()).toEqual(ALL);
  write("");
  const { results } = await deploy(at());
  expect(results).toMatchObject([{ version: 3, changed: true }]);
  expect(results[0]!.changes).toEqual(
    expect.arrayContaining([
      "trigger cron 1 * * * *",
      "trigger route shop.example.com/*",
      "binding jobs (queue-consumer)",
    ]),
  );
  expect(around()).toEqual(NONE);
  expect((await deploy(at())).results).toMatchObject([{ version: 3, changed: false }]);
  expect((await rollback({ ...at(), dryRun: true })).results).toMatchObject([{ version: 2, previous: 3 }]);
  await rollback(at());
  expect(around()).toEqual(ALL);
});

test("what was changed by somebody else is changed back, without a version", async () => {
  write(AROUND);
  await deploy(at());
  server.cloud.scripts.get("shop")!.schedules = [];
  const { results } = await deploy(at());
  expect(results).toMatchObject([{ version: 1, changed: true, changes: ["crons"] }]);
  expect(around()).toEqual(ALL);
});

test("they go when a rollout is completed, however far it was", async () => {
  write(AROUND);
  await deploy(at());
  write("", "two");
  await deploy({ ...at(), percentage: 60 });
  expect(around()).toEqual(ALL);
  await rollout(at(), 100);
  expect(around()).toEqual(NONE);
});

test("they go after a deploy that was killed, with the next one", async () => {
  write(AROUND);
  await deploy(at());
  write("", "two");
  const before = server.cloud.copy();
  server.forget();
  await deploy(at());
  const requests = [...server.seen];
  expect(around()).toEqual(NONE);
  for (const { number, method } of requests) {
    if (method === "GET") continue;
    server.cloud = before.copy();
    server.forget();
    write("", "two");
    // Nothing from this one on has any effect, nor has any attempt to put things back.
    server.fault = (seen) => (seen.number >= number ? { status: 403, code: 9109 } : undefined);
    await expect(deploy(at())).rejects.toMatchObject({ code: "AUTH" });
    server.fault = undefined;
    // The same once more, or what comes after it.
    write("", number % 2 === 0 ? "two" : "three");
    await deploy(at());
    expect(around(), `killed at ${number}`).toEqual(NONE);
  }
});

test("a dry run and a deploy say the same of what changes, in the words of a config", async () => {
  const config = (file: string, ms: number) => {
    writeFiles(cwd, { "public/a.txt": file, "public/b.txt": "b" });
    write(`assets = { directory = "public" }\nlimits = { cpu_ms = ${ms} }\n`);
  };
  config("one", 10);
  await deploy(at());
  config("two", 20);
  const [planned] = (await deploy({ ...at(), dryRun: true })).results;
  const [done] = (await deploy(at())).results;
  expect(done!.changes).toEqual(["setting limits", "file /a.txt"]);
  expect(planned).toEqual(done);
});
