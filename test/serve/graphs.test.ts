import { expect, test } from "vitest";
import type { InlineService } from "../support/graph.ts";
import { type Serve, startServe, testStore } from "../support/serve.ts";

const hello = (text: string): InlineService => ({
  code: `export default { fetch: () => new Response(${JSON.stringify(text)}) }`,
});
const calls = (text: string, ...services: string[]): InlineService => ({
  code: `export default { async fetch(request, env) {
    const answers = await Promise.all(${JSON.stringify(services)}.map(async (name) => (await env[name.toUpperCase()].fetch(request)).text()));
    return new Response(["${text}", ...answers].join(" "));
  } }`,
  bindings: services.map((service) => ({
    name: service.toUpperCase(),
    kind: "service",
    entry: { binding: service.toUpperCase(), service },
  })),
});

/** Asks without a pause until `stop`; tells every status. */
function load(serve: Serve, label: string): { stop(): Promise<number[]> } {
  let going = true;
  const done = (async () => {
    const statuses: number[] = [];
    while (going) statuses.push((await serve.get(label)).status);
    return statuses;
  })();
  return {
    stop() {
      going = false;
      return done;
    },
  };
}

test("graphs become one and two again, and no request is lost", async () => {
  const store = testStore();
  store.deploy({ a: hello("a1"), b: hello("b1"), c: hello("c1") });
  const serve = await startServe(store.folder);
  for (const name of ["a", "b"]) await serve.get(name);
  const loads = ["a", "b"].map((name) => load(serve, name));

  const mark = serve.mark();
  store.deploy({ a: calls("a2", "b", "c") });
  await expect.poll(async () => (await serve.get("a")).body).toBe("a2 b1 c1");
  // Those of each alone may still be on their way.
  await serve.next("start", mark, ({ environments }) => environments.length === 3);

  store.deploy({ a: hello("a3") });
  await expect.poll(async () => (await serve.get("a")).body).toBe("a3");
  const answers = await Promise.all(["a", "b", "c"].map(async (name) => (await serve.get(name)).body));
  expect(answers).toEqual(["a3", "b1", "c1"]);
  for (const each of loads) expect(new Set(await each.stop())).toEqual(new Set([200]));
});

test("what cannot start in new company stays in the old one", async () => {
  const store = testStore();
  store.deploy({ a: hello("a1"), b: hello("b1") });
  const serve = await startServe(store.folder);
  for (const name of ["a", "b"]) await serve.get(name);
  const broken = calls("a2", "b");
  broken.code = `throw new Error("on purpose");`;
  const mark = serve.mark();
  store.deploy({ a: broken });
  expect(await serve.next("start-error", mark)).toMatchObject({ stale: true });
  expect((await serve.get("a")).body).toBe("a1");
  expect((await serve.get("b")).body).toBe("b1");
  store.deploy({ a: calls("a3", "b") });
  await expect.poll(async () => (await serve.get("a")).body).toBe("a3 b1");
});

test("a binding leads elsewhere as soon as there is something nearer", async () => {
  const store = testStore();
  store.deploy({ b: hello("b in production") });
  store.deploy({ a: calls("a", "b") }, { environment: "staging" });
  const serve = await startServe(store.folder);
  expect((await serve.get("staging--a")).body).toBe("a b in production");
  store.deploy({ b: hello("b in staging") }, { environment: "staging" });
  await expect.poll(async () => (await serve.get("staging--a")).body).toBe("a b in staging");
  expect((await serve.get("b")).body).toBe("b in production");
});

test("what is bound and not deployed yet says so, and is there once it is", async () => {
  const store = testStore();
  store.deploy({ a: calls("a", "b") });
  const serve = await startServe(store.folder);
  expect((await serve.get("a")).body).toContain('Service "b" is not deployed');
  const mark = serve.mark();
  store.deploy({ b: hello("b1") });
  await serve.next("reload", mark);
  expect((await serve.get("a")).body).toBe("a b1");
});

test("a new secret is a new version, and live", async () => {
  const store = testStore();
  const code = "export default { fetch: (request, env) => new Response(env.TOKEN) }";
  store.deploy({ a: { code } }, { secrets: { TOKEN: "first" } });
  const serve = await startServe(store.folder);
  expect((await serve.get("a")).body).toBe("first");
  store.deploy({ a: { code } }, { secrets: { TOKEN: "second" } });
  await serve.next("reload");
  expect((await serve.get("a")).body).toBe("second");
  expect(serve.running.stdout + serve.running.stderr).not.toMatch(/first|second/);
});
