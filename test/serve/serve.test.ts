import { expect, test } from "vitest";
import { startServe, testStore } from "../support/serve.ts";

const hello = (text: string) => `export default { fetch: () => new Response(${JSON.stringify(text)}) }`;

test("every environment answers at its hostname, with its version; a private one only through its binding", async () => {
  const store = testStore();
  store.deploy({
    gateway: {
      code: "export default { fetch: async (request, env) => new Response('gateway, ' + (await (await env.AUTH.fetch(request)).text())) }",
      bindings: [{ name: "AUTH", kind: "service", entry: { binding: "AUTH", service: "auth" } }],
    },
    auth: { code: hello("auth"), reachable: false },
  });
  store.deploy({ gateway: { code: hello("staging") } }, { environment: "staging" });
  const serve = await startServe(store.folder);
  expect(Object.keys(serve.ready.urls)).toEqual(["gateway", "gateway@staging"]);

  const answer = await serve.get("gateway");
  expect(answer.body).toBe("gateway, auth");
  expect(answer.headers["x-troupe-version"]).toBe("gateway@production/1");
  const staging = await serve.get("staging--gateway");
  expect([staging.body, staging.headers["x-troupe-version"]]).toEqual(["staging", "gateway@staging/1"]);
  const hidden = await serve.get("auth");
  expect(hidden.status).toBe(404);
  expect(hidden.body).toContain("staging--gateway.localhost");

  const { code } = await serve.running.stop();
  expect(code).toBe(130);
  expect(serve.running.events.at(-1)).toEqual({ reason: "exit" });
});

test("a deploy is live without a restart; what cannot start leaves the old version serving", async () => {
  const store = testStore();
  store.deploy({ hello: { code: hello("one") } });
  const serve = await startServe(store.folder);
  expect((await serve.get("hello")).body).toBe("one");

  let mark = serve.mark();
  store.deploy({ hello: { code: hello("two") } });
  const reload = await serve.next("reload", mark);
  expect(reload).toMatchObject({ environments: [{ service: "hello", version: 2 }], mode: "overlap" });
  const second = await serve.get("hello");
  expect([second.body, second.headers["x-troupe-version"]]).toEqual(["two", "hello@production/2"]);

  mark = serve.mark();
  store.deploy({ hello: { code: "throw new Error('on purpose')" } });
  const failed = await serve.next("start-error", mark);
  expect(failed).toMatchObject({ stale: true, environments: [{ version: 3 }] });
  expect(failed.message).toContain("on purpose");
  const third = await serve.get("hello");
  expect([third.body, third.headers["x-troupe-version"]]).toEqual(["two", "hello@production/2"]);

  mark = serve.mark();
  store.rollback({ service: "hello", environment: "production" }, 1);
  await serve.next("reload", mark);
  expect((await serve.get("hello")).headers["x-troupe-version"]).toBe("hello@production/1");
});
