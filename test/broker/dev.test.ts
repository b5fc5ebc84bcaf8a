/** Queues of `troupe dev`: what was sent outlives reloads and the process. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CliEvent, troupeJson } from "../support/cli.ts";
import { type Dev, startDev } from "../support/dev.ts";
import { makeFolder, removeFolder, writeFiles } from "../support/files.ts";

const worker = (version: number) => `
export default {
  async queue(batch) {
    for (const { id, body, attempts } of batch.messages) {
      console.log(JSON.stringify({ version: ${version}, queue: batch.queue, id, body, attempts }));
      if (body === "hang in v${version}" && attempts === 1) await new Promise(() => setInterval(() => {}, 1000));
      if (body === "bad") throw new Error("bad message");
    }
  },
};`;

let cwd: string;
let dev: Dev;

beforeAll(async () => {
  cwd = makeFolder({
    "troupe.toml": `[workspace]\nmembers = ["services/*"]\n`,
    "services/shop/troupe.toml": `name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
[[queues.producers]]
binding = "JOBS"
queue = "jobs"
[env.staging]
`,
    "services/shop/index.js": `export default {
  async fetch(request, env) {
    await env.JOBS.send(new URL(request.url).searchParams.get("body"));
    return new Response("sent");
  },
};`,
    "services/worker/troupe.toml": `name = "worker"
main = "index.js"
compatibility_date = "2026-11-01"
[[queues.consumers]]
queue = "jobs"
max_batch_size = 1
max_batch_timeout = 0
max_retries = 1
dead_letter_queue = "jobs-dead"
[env.staging]
`,
    "services/worker/index.js": worker(1),
  });
  dev = await startDev(cwd);
});

afterAll(async () => {
  await dev?.stop();
  removeFolder(cwd);
});

interface Got {
  version: number;
  queue: string;
  id: string;
  body: string;
  attempts: number;
}

const send = (body: string) => dev.get("shop", `/?body=${encodeURIComponent(body)}`);
const got = async (body: string, after: number, attempts: number): Promise<Got> => {
  const wanted = ({ message }: CliEvent) => {
    if (!message?.startsWith("{")) return false;
    const line = JSON.parse(message) as Got;
    return line.body === body && line.attempts === attempts;
  };
  return JSON.parse((await dev.next("log", after, wanted)).message) as Got;
};
const peek = (queue: string) => troupeJson<{ waiting: number; messages: unknown[] }>(["queue", "peek", queue], { cwd });

test("what used up its retries is a dead letter: seen by the queue's own name, and told", async () => {
  const before = dev.mark();
  await send("bad");
  const { id } = await got("bad", before, 2);
  expect(await dev.next("queue", before, ({ dead }) => dead === 1)).toMatchObject({
    service: "worker",
    environment: "production",
    queue: "jobs",
    outcome: "exception",
    acked: 0,
    retried: 0,
    dropped: 0,
  });
  const { waiting, messages } = await peek("jobs-dead");
  expect([waiting, messages]).toEqual([1, [expect.objectContaining({ id, contentType: "json", body: "bad" })]]);
});

test("messages outlive a reload, and SIGKILL: what was under way is delivered again", async () => {
  let before = dev.mark();
  await send("hang in v1");
  const { id } = await got("hang in v1", before, 1);
  await send("after it");
  expect((await peek("jobs")).messages).toMatchObject([
    { body: "hang in v1", delivering: true, attempts: 1 },
    { body: "after it", attempts: 0 },
  ]);
  await dev.stop("SIGKILL");

  dev = await startDev(cwd);
  expect(await got("hang in v1", 0, 2)).toMatchObject({ id, version: 1 });
  await got("after it", 0, 1);

  before = dev.mark();
  await send("hang in v1");
  await got("hang in v1", before, 1);
  await send("to the new code");
  await dev.reloadAfter(() => writeFiles(cwd, { "services/worker/index.js": worker(2) }));
  await dev.next("log", before, ({ message }) => message.includes('"version":2') && message.includes("hang in v1"));
  expect(await got("to the new code", before, 1)).toMatchObject({ version: 2 });
});
