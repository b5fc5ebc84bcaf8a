import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import https from "node:https";
import path from "node:path";
import { expect, test } from "vitest";
import { request } from "../support/dev.ts";
import { startServe, testStore } from "../support/serve.ts";

const hello = (text: string) => `export default { fetch: () => new Response(${JSON.stringify(text)}) }`;

test("routes lead to their environment, before hostnames; the query counts, the port does not", async () => {
  const store = testStore();
  const shop = { pattern: "shop.example.test/*" };
  store.deploy({
    a: { code: hello("a"), environment: { routes: [shop, { pattern: "b.localhost/taken" }] } },
    b: { code: hello("b"), environment: { routes: [{ pattern: "shop.example.test/images/*" }] } },
    c: {
      code: hello("c"),
      reachable: false,
      environment: { routes: [{ pattern: "only.example.test", customDomain: true }] },
    },
  });
  const serve = await startServe(store.folder);
  const body = async (host: string, url = "/") => (await request(serve.port, host, url)).body;
  expect(await body("shop.example.test")).toBe("a");
  expect(await body("SHOP.example.test", "/x?y")).toBe("a");
  expect(await body("shop.example.test", "/images/1")).toBe("b");
  expect(await body("b.localhost", "/taken")).toBe("a");
  expect(await body("b.localhost", "/taken?x")).toBe("b");
  expect(await body("only.example.test", "/any")).toBe("c");
});

test("another domain; hostnames that nobody has", async () => {
  const store = testStore();
  store.deploy({ a: { code: hello("a") } });
  store.deploy({ a: { code: hello("a in staging") } }, { environment: "staging" });
  const serve = await startServe(store.folder, ["--domain", "Apps.Example.test"]);
  expect(serve.ready.urls).toEqual({
    a: `http://a.apps.example.test:${serve.port}`,
    "a@staging": `http://staging--a.apps.example.test:${serve.port}`,
  });
  expect((await request(serve.port, "a.apps.example.test")).body).toBe("a");
  const nobody = await request(serve.port, "a.localhost", "/", { headers: { accept: "text/html" } });
  expect(nobody.status).toBe(404);
  expect(nobody.body).toContain(`href="http://staging--a.apps.example.test:${serve.port}"`);
  const foreign = await request(serve.port, "a.localhost", "/", { headers: { "x-forwarded-for": "203.0.113.1" } });
  expect([foreign.status, foreign.body]).toEqual([404, ""]);
  // The handlers that `dev` opens for people are not open here.
  expect((await request(serve.port, "a.apps.example.test", "/cdn-cgi/handler/scheduled")).body).toBe("a");
});

test("a WebSocket is closed with 1012 when a new version takes over", async () => {
  const store = testStore();
  const echo = (version: string) => `export default { fetch() {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener("message", ({ data }) => server.send("${version} " + data));
    return new Response(null, { status: 101, webSocket: client });
  } }`;
  store.deploy({ a: { code: echo("one"), environment: { routes: [{ pattern: "127.0.0.1/*" }] } } });
  const serve = await startServe(store.folder);
  const connect = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${serve.port}/`);
    await once(socket, "open");
    return socket;
  };
  const say = async (socket: WebSocket) => {
    socket.send("hi");
    const [{ data }] = (await once(socket, "message")) as [MessageEvent];
    return data;
  };
  const socket = await connect();
  expect(await say(socket)).toBe("one hi");
  const closed = once(socket, "close") as Promise<[CloseEvent]>;
  store.deploy({ a: { code: echo("two"), environment: { routes: [{ pattern: "127.0.0.1/*" }] } } });
  expect((await closed)[0].code).toBe(1012);
  const next = await connect();
  expect(await say(next)).toBe("two hi");
  next.close();
});

test("a WebSocket is closed with 1012 when the host is told to stop, which need not wait for it", async () => {
  const store = testStore();
  const code = `export default { fetch() {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    return new Response(null, { status: 101, webSocket: client });
  } }`;
  store.deploy({ a: { code, environment: { routes: [{ pattern: "127.0.0.1/*" }] } } });
  const serve = await startServe(store.folder);
  const socket = new WebSocket(`ws://127.0.0.1:${serve.port}/`);
  await once(socket, "open");
  const closed = once(socket, "close") as Promise<[CloseEvent]>;
  const stopped = serve.running.stop("SIGTERM");
  expect((await closed)[0].code).toBe(1012);
  await stopped;
});

test("https, with certificates of a CA that is made once", async () => {
  const store = testStore();
  store.deploy({ a: { code: "export default { fetch: (request) => new Response(request.url) }" } });
  store.deploy({ b: { code: hello("b"), environment: { routes: [{ pattern: "https://*.shop.test/*" }] } } });
  const serve = await startServe(store.folder, ["--https-port", "0"]);
  const { ca: file, httpsUrl } = serve.ready;
  const port = Number(new URL(httpsUrl).port);
  const ask = (host: string, ca: string) =>
    new Promise<string>((resolve, reject) => {
      const options = {
        host: "127.0.0.1",
        port,
        servername: host,
        headers: { host: `${host}:${port}` },
        ca,
        agent: false,
      };
      https
        .get(options, async (response) => {
          let body = "";
          for await (const chunk of response) body += chunk;
          resolve(body);
        })
        .on("error", reject);
    });
  const ca = readFileSync(file, "utf8");
  expect(await ask("a.localhost", ca)).toBe(`https://a.localhost:${port}/`);
  expect(await ask("x.shop.test", ca)).toBe("b");
  await expect(ask("elsewhere.test", ca)).rejects.toThrow();
  expect((await serve.get("a")).body).toBe(`http://a.localhost:${serve.port}/`);
  expect((await request(serve.port, "x.shop.test")).status).toBe(404);
  expect(statSync(path.join(path.dirname(file), "ca.key")).mode & 0o777).toBe(0o600);

  await serve.running.stop();
  const next = await startServe(store.folder, ["--https-port", "0"]);
  expect(readFileSync(next.ready.ca, "utf8")).toBe(ca);
});

test("health and metrics at the control address; nothing else without its token", async () => {
  const store = testStore();
  store.deploy({ a: { code: "export default { fetch: () => new Response('', { status: 418 }) }" } });
  const serve = await startServe(store.folder);
  await serve.get("a");
  await serve.next("request");
  const health = await serve.control("/healthz");
  expect([health.status, JSON.parse(health.body)]).toEqual([
    200,
    { status: "ok", graphs: 1, running: 1, environments: 1 },
  ]);
  store.deploy({ a: { code: hello("two") } });
  await serve.next("reload");
  const { body } = await serve.control("/metrics");
  expect(body).toContain('troupe_requests_total{service="a",environment="production",status="418"} 1');
  expect(body).toContain('troupe_request_duration_seconds_count{service="a",environment="production"} 1');
  expect(body).toContain("troupe_graphs_running 1");
  expect(body).toContain("troupe_graph_start_seconds_count 1");
  expect(body).toContain('troupe_swaps_total{mode="overlap"} 1');
  expect(body).toContain("process_resident_memory_bytes");
  expect((await serve.control("/anything")).status).toBe(401);
  expect(statSync(path.join(store.folder, "serve.json")).mode & 0o777).toBe(0o600);
});

test("what environments log and throw is told, with the environment", async () => {
  const store = testStore();
  store.deploy(
    { a: { code: "export default { fetch() { console.warn('careful', { a: 1 }); throw new RangeError('far') } }" } },
    { environment: "staging" },
  );
  const serve = await startServe(store.folder);
  const answer = await serve.get("staging--a");
  expect(answer.status).toBe(500);
  expect(answer.body).not.toContain("far");
  const of = { service: "a", environment: "staging" };
  expect(await serve.next("log")).toMatchObject({ ...of, level: "warn", message: "careful { a: 1 }" });
  expect(await serve.next("exception")).toMatchObject({ ...of, name: "RangeError", message: "far" });
  expect(await serve.next("request")).toMatchObject({ ...of, method: "GET", path: "/", status: 500 });
});
