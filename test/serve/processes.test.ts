import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { troupe, troupeJson } from "../support/cli.ts";
import { alive, descendants } from "../support/dev.ts";
import { startServe, testStore } from "../support/serve.ts";

const hello = (text: string) => `export default { fetch: () => new Response(${JSON.stringify(text)}) }`;

/** Process ids of workerd among what the host has started. */
function runtimes(pid: number): number[] {
  return descendants(pid).filter((child) => isRuntime(child));
}

function isRuntime(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("workerd");
  } catch {
    return false;
  }
}

test("a graph runs from its first request until it has been idle, and again when it is asked", async () => {
  const store = testStore();
  store.deploy({ a: { code: hello("a") }, b: { code: hello("b") } });
  const serve = await startServe(store.folder, ["--idle-timeout", "0.3"]);
  const { pid } = serve.running.child;
  expect(runtimes(pid!)).toEqual([]);

  expect((await serve.get("a")).body).toBe("a");
  expect(await serve.next("start")).toMatchObject({
    environments: [{ service: "a", environment: "production", version: 1 }],
  });
  await serve.next("stop", 0, ({ why }) => why === "idle");
  expect(runtimes(pid!)).toEqual([]);

  const mark = serve.mark();
  store.deploy({ a: { code: hello("a, newer") } });
  await serve.next("deployed", mark);
  expect(runtimes(pid!)).toEqual([]);
  expect((await serve.get("a")).body).toBe("a, newer");
});

test("more graphs than may run at a time take turns", async () => {
  const store = testStore();
  store.deploy({ a: { code: hello("a") }, b: { code: hello("b") }, c: { code: hello("c") } });
  const serve = await startServe(store.folder, ["--max-processes", "2"]);
  for (const name of ["a", "b", "c"]) expect((await serve.get(name)).body).toBe(name);
  const first = await serve.next("stop");
  expect([first.why, first.environments[0].service]).toEqual(["evicted", "a"]);
  const mark = serve.mark();
  expect((await serve.get("a")).body).toBe("a");
  const second = await serve.next("stop", mark);
  expect([second.why, second.environments[0].service]).toEqual(["evicted", "b"]);
});

test("that moment ends when twice as many would run as may", async () => {
  const store = testStore();
  store.deploy({ a: { code: hello("a") }, b: { code: hello("b") }, c: { code: hello("c") } });
  const serve = await startServe(store.folder, ["--max-processes", "1"]);
  for (const name of ["a", "b", "c"]) expect((await serve.get(name)).body).toBe(name);
  await serve.next("start", 0, ({ environments }) => environments[0].service === "c");
  const told = serve.running.events.map(({ reason, environments }) => `${reason} ${environments?.[0]?.service}`);
  expect(told.slice(0, told.indexOf("start c"))).toContain("stop a");
});

test("what makes room for others has a moment for work behind its last answer", async () => {
  const store = testStore();
  store.deploy({
    a: {
      code: `export default { fetch(request, env, ctx) {
        ctx.waitUntil(scheduler.wait(300).then(() => console.log("done behind the answer")));
        return new Response("a");
      } }`,
    },
    b: { code: hello("b") },
  });
  const serve = await startServe(store.folder, ["--max-processes", "1"]);
  await serve.get("a");
  await serve.get("b");
  const { message } = await serve.next("log");
  expect(message).toBe("done behind the answer");
});

test("work behind an answer goes on when a new version takes over", async () => {
  const store = testStore();
  store.deploy({
    a: {
      code: `export default { async fetch(request, env, ctx) {
        ctx.waitUntil(fetch(request.headers.get("x-tell")).then(() => console.log("done behind the answer")));
        return new Response("old");
      } }`,
    },
  });
  const serve = await startServe(store.folder);
  let answer = () => {};
  const slow = http.createServer((_request, response) => {
    answer = () => response.end();
  });
  onTestFinished(() => void slow.close());
  await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
  const { port } = slow.address() as AddressInfo;
  const asked = once(slow, "request");
  await serve.get("a", "/", { headers: { "x-tell": `http://127.0.0.1:${port}/` } });
  await asked;
  store.deploy({ a: { code: hello("new") } });
  await serve.next("reload");
  expect((await serve.get("a")).body).toBe("new");
  answer();
  expect((await serve.next("log")).message).toBe("done behind the answer");
});

test("a process that is killed is back for the next request", async () => {
  const store = testStore();
  store.deploy({ a: { code: hello("a") } });
  const serve = await startServe(store.folder);
  await serve.get("a");
  const [first] = runtimes(serve.running.child.pid!);
  process.kill(first!, "SIGKILL");
  expect((await serve.get("a")).body).toBe("a");
  expect(await serve.next("crashed")).toMatchObject({ environments: [{ service: "a" }] });
  expect(runtimes(serve.running.child.pid!)).not.toContain(first);
});

test("one that keeps crashing is left alone, and says so with 502", async () => {
  const store = testStore();
  store.deploy({ a: { code: hello("a") } });
  const serve = await startServe(store.folder);
  await serve.get("a");
  for (let crash = 1; crash <= 6; crash++) {
    const crashes = () => serve.running.events.filter(({ reason }) => reason === "crashed").length;
    for (const pid of runtimes(serve.running.child.pid!)) process.kill(pid, "SIGKILL");
    await serve.next("crashed", 0, () => crashes() >= crash);
  }
  await serve.next("stop", 0, ({ why }) => why === "crashing");
  const answer = await serve.get("a");
  expect(answer.status).toBe(502);
  expect(answer.body).toContain("a@production keeps crashing its process");
  // A deploy is a reason to try again.
  const mark = serve.mark();
  store.deploy({ a: { code: hello("mended") } });
  await serve.next("deployed", mark);
  expect((await serve.get("a")).body).toBe("mended");
});

test("what cannot start answers 502 with the reason, to local requests", async () => {
  const store = testStore();
  store.deploy({ a: { code: "throw new TypeError('not today')" } });
  const serve = await startServe(store.folder);
  const answer = await serve.get("a");
  expect(answer.status).toBe(502);
  expect(answer.body).toContain("a throws when it starts: TypeError: not today");
  const foreign = await serve.get("a", "/", { headers: { "x-forwarded-for": "203.0.113.1" } });
  expect(foreign.status).toBe(502);
  expect(foreign.body).not.toContain("not today");
});

test("killed with -9, it leaves no process behind; the next one serves the same store", async () => {
  const store = testStore();
  store.deploy({ a: { code: hello("a") } });
  const serve = await startServe(store.folder);
  await serve.get("a");
  const started = descendants(serve.running.child.pid!);
  expect(started.length).toBeGreaterThan(0);
  await serve.running.stop("SIGKILL");
  await expect.poll(() => alive(started)).toEqual([]);
  const { environments } = await troupeJson<{ environments: { url: string }[] }>(
    ["env", "list", "--state-dir", store.folder],
    {},
  );
  expect(environments.map(({ url }) => url)).toEqual(["http://a.localhost:8787"]);

  const next = await startServe(store.folder);
  expect((await next.get("a")).body).toBe("a");
});

test("a store that is deleted under its host is told; what runs goes on", async () => {
  const store = testStore();
  store.deploy({ a: { code: hello("a") } });
  const serve = await startServe(store.folder);
  await serve.get("a");
  rmSync(store.folder, { recursive: true });
  const { diagnostic } = await serve.next("warning");
  expect(diagnostic.message).toContain("was deleted or replaced");
  expect((await serve.get("a")).body).toBe("a");
});

test("a store is served once", async () => {
  const store = testStore();
  const serve = await startServe(store.folder);
  const second = await troupe(["serve", "--json", "--port", "0", "--state-dir", store.folder]);
  expect(second.code).toBe(6);
  expect(JSON.parse(second.stderr).error).toMatchObject({
    code: "CONFLICT",
    message: `Process ${serve.running.child.pid} serves ${store.folder} already, at ${serve.ready.url}`,
  });
});

test("a request that runs when the host is told to stop gets its answer", async () => {
  const store = testStore();
  store.deploy({
    a: {
      code: "export default { fetch: async () => { await new Promise((done) => setTimeout(done, 700)); return new Response('late') } }",
    },
  });
  const serve = await startServe(store.folder);
  const answer = serve.get("a");
  await serve.next("start");
  const ended = serve.running.stop("SIGTERM");
  expect((await answer).body).toBe("late");
  await ended;
});
