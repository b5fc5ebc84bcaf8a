/** What happens in deployed environments without a request, also when their graph was stopped. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { startServe as startHere } from "../../src/ops/serve/index.ts";
import type { ServeEvent } from "../../src/ops/serve/types.ts";
import type { CliEvent } from "../support/cli.ts";
import type { InlineService } from "../support/graph.ts";
import { startServe, testStore } from "../support/serve.ts";

const shop = (): InlineService => ({
  code: `export default { async fetch(request, env) {
    const { searchParams } = new URL(request.url);
    await env.JOBS.send(searchParams.get("body"), { delaySeconds: Number(searchParams.get("delay") ?? 0) });
    return new Response("sent");
  } };`,
  bindings: [{ name: "JOBS", kind: "queue", resource: "jobs" }],
});

const worker = (version: number, entry: Record<string, unknown> = {}): InlineService => ({
  code: `export default { async queue(batch) {
    for (const { body, attempts } of batch.messages) {
      console.log(\`v${version} \${body} \${attempts}\`);
      if (body === "hang in v${version}" && attempts === 1) await new Promise(() => setInterval(() => {}, 1000));
    }
  } };`,
  reachable: false,
  bindings: [
    {
      name: "jobs",
      kind: "queue-consumer",
      entry: { queue: "jobs", max_batch_size: 1, max_batch_timeout: 0, ...entry },
      resource: "jobs",
    },
  ],
});

const ofService = (name: string) => (event: CliEvent) =>
  event.environments.some(({ service }: { service: string }) => service === name);
const says =
  (message: string) =>
  (event: CliEvent): boolean =>
    event.message === message;

test("a message starts the graph of its consumer, which need not be that of its sender", async () => {
  const store = testStore();
  store.deploy({ shop: shop(), worker: worker(1) });
  const serve = await startServe(store.folder, ["--idle-timeout", "0.3"]);
  expect((await serve.get("shop", "/?body=first")).body).toBe("sent");
  await serve.next("log", 0, says("v1 first 1"));
  expect((await serve.next("start", 0, ofService("worker"))).environments).toHaveLength(1);
  expect(await serve.next("queue")).toMatchObject({
    service: "worker",
    environment: "production",
    queue: "jobs",
    acked: 1,
  });
  await serve.next("stop", 0, ofService("worker"));
  await serve.next("stop", 0, ofService("shop"));

  const mark = serve.mark();
  await serve.get("shop", "/?body=later&delay=5");
  const asleep = await serve.behind("stop", mark, ofService("shop"));
  await serve.next("log", asleep, says("v1 later 1"));
  await serve.next("start", asleep, ofService("worker"));
});

test("messages outlive a swap and a killed host; what was under way is delivered again", async () => {
  const store = testStore();
  store.deploy({ shop: shop(), worker: worker(1) });
  const serve = await startServe(store.folder);
  await serve.get("shop", "/?body=hang%20in%20v1");
  await serve.next("log", 0, says("v1 hang in v1 1"));
  for (const body of ["second", "third"]) await serve.get("shop", `/?body=${body}`);
  await serve.running.stop("SIGKILL");

  store.deploy({ worker: worker(2) });
  const next = await startServe(store.folder);
  for (const body of ["hang in v1 2", "second 1", "third 1"]) await next.next("log", 0, says(`v2 ${body}`));

  // Now a new version comes while a batch is under way: it is the new one's, and no attempt.
  const mark = next.mark();
  await next.get("shop", "/?body=hang%20in%20v2");
  await next.next("log", mark, says("v2 hang in v2 1"));
  await next.get("shop", "/?body=fourth");
  store.deploy({
    worker: { ...worker(3), bindings: [...worker(3).bindings!, { name: "KV", kind: "kv", resource: "kv" }] },
  });
  await next.next("log", mark, says("v3 fourth 1"));
  await next.next("log", mark, says("v3 hang in v2 1"));
  expect(
    next.running.events.filter(({ reason, message }) => reason === "log" && message.endsWith("fourth 1")),
  ).toHaveLength(1);
});

test("a consumer that can't start costs no attempt, and a deploy that mends it is enough", async () => {
  const store = testStore();
  store.deploy({
    shop: shop(),
    worker: { ...worker(1), code: `throw new Error("broken at start"); export default {};` },
  });
  const serve = await startServe(store.folder);
  await serve.get("shop", "/?body=patient");
  const warning = await serve.next("warning", 0, ({ diagnostic }) => diagnostic.code === "queue-stuck");
  expect(warning.diagnostic.message).toMatch(
    /^Messages of queue "jobs" wait: worker@production can't receive them: .*broken at start/s,
  );
  expect((await serve.control("/metrics")).body).toContain('troupe_queue_messages{queue="jobs"} 1\n');
  store.deploy({ worker: worker(2) });
  await serve.next("log", 0, says("v2 patient 1"));
  await serve.next("queue");
  expect((await serve.control("/metrics")).body).not.toContain("troupe_queue_messages{");
});

test("a queue goes with the last environment of its edition", async () => {
  const store = testStore();
  const staging = { ...shop(), bindings: [{ name: "JOBS", kind: "queue", resource: "jobs@staging" }] };
  store.deploy({ shop: shop() });
  store.deploy({ shop: staging }, { environment: "staging" });
  const serve = await startServe(store.folder);
  await serve.get("staging--shop", "/?body=gone");
  store.remove({ service: "shop", environment: "staging" });
  await serve.next("deployed", 0, ({ removed }) => removed.length === 1);
  const mark = serve.mark();
  const consumer = worker(1);
  store.deploy(
    { shop: staging, worker: { ...consumer, bindings: [{ ...consumer.bindings![0]!, resource: "jobs@staging" }] } },
    { environment: "staging" },
  );
  await serve.next("deployed", mark);
  await serve.get("staging--shop", "/?body=new");
  expect((await serve.next("log", mark, ({ service }) => service === "worker")).message).toBe("v1 new 1");
});

const ALARM = `
import { DurableObject } from "cloudflare:workers";
export class Clock extends DurableObject {
  set(ms) { return this.ctx.storage.setAlarm(Date.now() + ms); }
  async alarm() { console.log("rang"); }
}
export default { async fetch(request, env) {
  await env.CLOCK.getByName("one").set(Number(new URL(request.url).searchParams.get("ms")));
  return new Response("set");
} };`;

const clock = (): InlineService => ({
  code: ALARM,
  bindings: [{ name: "CLOCK", kind: "durable-object", entry: { name: "CLOCK", class_name: "Clock" } }],
});

test("an alarm starts its graph in time, and after a restart of the host when it is overdue", async () => {
  const store = testStore();
  store.deploy({ clock: clock() });
  const serve = await startServe(store.folder, ["--idle-timeout", "0.3"]);
  await serve.get("clock", "/?ms=9000");
  const mark = await serve.behind("stop");
  await serve.next("start", mark);
  await serve.next("log", mark, says("rang"));
  // And no other: nothing wakes it again.
  await serve.next("stop", mark);

  await serve.get("clock", "/?ms=5000");
  await serve.running.stop("SIGKILL");
  const next = await startServe(store.folder);
  await next.next("start");
  await next.next("log", 0, says("rang"));
});

test("an overdue alarm of a class that is no more keeps nothing running", async () => {
  const store = testStore();
  store.deploy({ clock: clock() });
  const serve = await startServe(store.folder);
  await serve.get("clock", "/?ms=1000000");
  const code = `import { DurableObject } from "cloudflare:workers";
    export class Other extends DurableObject {}
    export default { fetch: () => new Response("other") };`;
  const other = { name: "OTHER", kind: "durable-object", entry: { name: "OTHER", class_name: "Other" } };
  store.deploy({ clock: { code, bindings: [other] } });
  await serve.next("reload");
  await serve.running.stop();
  const homes = path.join(store.folder, "data/serve");
  const file = readdirSync(homes, { recursive: true, encoding: "utf8" }).find((name) =>
    name.endsWith("clock@production-Clock/metadata.sqlite"),
  );
  const database = new DatabaseSync(path.join(homes, file!));
  expect(database.prepare("UPDATE _cf_ALARM SET scheduled_time = 1").run().changes).toBe(1);
  database.close();

  const next = await startServe(store.folder, ["--idle-timeout", "0.3"]);
  // Nothing has started it but this request, and nothing keeps it.
  expect((await next.get("clock")).body).toBe("other");
  await next.next("stop", 0, ({ why }) => why === "idle");
});

const flow = (version: number): InlineService => ({
  code: `
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run({ payload }, step) {
    const first = await step.do("first", async () => {
      console.log("v${version} works");
      await new Promise((resolve) => setTimeout(resolve, payload.work));
      return "v${version}";
    });
    if (payload.sleep) await step.sleep("a while", payload.sleep);
    if (payload.event) await step.waitForEvent("news", { type: "news" });
    return first + " then v${version}";
  }
}
export default { async fetch(request, env) {
  const { pathname } = new URL(request.url);
  const id = pathname.slice(1);
  if (request.method === "GET") return Response.json(await (await env.FLOW.get(id)).status());
  if (request.method === "PUT") await (await env.FLOW.get(id)).sendEvent({ type: "news", payload: 1 });
  else await env.FLOW.create({ id, params: await request.json() });
  return new Response("done");
} };`,
  bindings: [
    {
      name: "FLOW",
      kind: "workflow",
      entry: { binding: "FLOW", name: "flow", class_name: "Flow" },
      resource: "flow",
    },
  ],
});

test("a Workflow that sleeps goes on, though its graph was stopped; one that works is not stopped", async () => {
  const store = testStore();
  store.deploy({ flow: flow(1) });
  const serve = await startServe(store.folder, ["--idle-timeout", "0.3"]);
  const create = (id: string, params: object) =>
    serve.get("flow", `/${id}`, { method: "POST", body: JSON.stringify(params) });
  await create("one", { work: 2500, sleep: "8 seconds" });
  await serve.next("log", 0, says("v1 works"));
  const mark = await serve.behind("stop");
  expect(Date.parse((await serve.next("log")).time)).toBeLessThan(Date.now() - 2400);
  await serve.next("start", mark);
  await expect
    .poll(async () => JSON.parse((await serve.get("flow", "/one")).body))
    .toMatchObject({ status: "complete", output: "v1 then v1" });
});

test("Workflows outlive a swap and a killed host, each step done once", async () => {
  const store = testStore();
  store.deploy({ flow: flow(1) });
  const serve = await startServe(store.folder);
  const create = (id: string, params: object) =>
    serve.get("flow", `/${id}`, { method: "POST", body: JSON.stringify(params) });
  await create("sleeps", { work: 0, sleep: "8 seconds" });
  await create("waits", { work: 0, event: true });
  await expect
    .poll(async () => JSON.parse((await serve.get("flow", "/waits")).body))
    .toMatchObject({ __LOCAL_DEV_STEP_OUTPUTS: ["v1"] });
  await expect
    .poll(async () => JSON.parse((await serve.get("flow", "/sleeps")).body))
    .toMatchObject({ __LOCAL_DEV_STEP_OUTPUTS: ["v1"] });
  store.deploy({ flow: flow(2) });
  expect((await serve.next("reload")).mode).toBe("hold");
  await serve.running.stop("SIGKILL");
  store.deploy({ flow: flow(3) });

  // It is started for them.
  const next = await startServe(store.folder);
  await next.next("start");
  await expect
    .poll(async () => JSON.parse((await next.get("flow", "/sleeps")).body))
    .toMatchObject({ status: "complete", output: "v1 then v3" });
  await next.get("flow", "/waits", { method: "PUT" });
  await expect
    .poll(async () => JSON.parse((await next.get("flow", "/waits")).body))
    .toMatchObject({ status: "complete", output: "v1 then v3" });
});

test("crons fire on schedule in every environment, each with its time", async () => {
  const store = testStore();
  const code = `export default { scheduled({ cron, scheduledTime }) { console.log(cron + " " + new Date(scheduledTime).toISOString()); } };`;
  const service = (crons: string[]): InlineService => ({ code, reachable: false, environment: { crons } });
  store.deploy({ clock: service(["30 12 * * *", "0 13 * * *", "no cron"]) });
  store.deploy({ clock: service(["* * * * *"]) }, { environment: "staging" });
  // A second before half past twelve, from the first look on.
  let start: number | undefined;
  const now = (): Date => {
    start ??= Date.now();
    return new Date(Date.parse("2026-11-22T12:29:59Z") + Date.now() - start);
  };
  const events: ServeEvent[] = [];
  let wake = (): void => {};
  const server = await startHere({
    cwd: store.folder,
    stateDir: store.folder,
    processEnv: {},
    port: 0,
    now,
    onEvent(event) {
      events.push(event);
      wake();
    },
  });
  onTestFinished(() => server.stop());
  const logs = () =>
    events.flatMap((event) => (event.reason === "log" ? [`${event.environment}: ${event.message}`] : []));
  const fired = () => events.filter((event) => event.reason === "scheduled");
  await new Promise<void>((resolve) => {
    wake = () => {
      if (logs().length === 2 && fired().length === 2) resolve();
    };
    wake();
  });
  expect(logs().sort()).toEqual([
    "production: 30 12 * * * 2026-11-22T12:30:00.000Z",
    "staging: * * * * * 2026-11-22T12:30:00.000Z",
  ]);
  expect(fired()).toEqual(
    expect.arrayContaining([
      { reason: "scheduled", service: "clock", environment: "production", cron: "30 12 * * *", outcome: "ok" },
      { reason: "scheduled", service: "clock", environment: "staging", cron: "* * * * *", outcome: "ok" },
    ]),
  );
  expect(events).toContainEqual({
    reason: "warning",
    diagnostic: expect.objectContaining({
      code: "cron",
      message: expect.stringMatching(/^clock@production: "no cron" never fires/),
    }),
  });
});
