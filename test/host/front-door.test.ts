import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AccessEntry, createFrontDoor, type FrontDoor } from "../../src/host/front-door.ts";
import { createGraphRuntime, type GraphRuntime } from "../../src/runtime/index.ts";
import { graph } from "../support/graph.ts";

const CODE = (version: string) => `export default { async fetch(request) {
  const url = new URL(request.url);
  switch (url.pathname) {
    case "/throw": throw new TypeError("on purpose");
    case "/own-500": return new Response("Internal Server Error", { status: 500, headers: { "content-type": "text/plain" } });
    case "/cookies": { const headers = new Headers(); headers.append("set-cookie", "a=1"); headers.append("set-cookie", "b=2"); return new Response("", { headers }); }
    case "/204": return new Response(null, { status: 204 });
    case "/html": return new Response("<p>hi</p>", { headers: { "content-type": "text/html" } });
    case "/echo": return new Response(request.body);
    case "/stream": {
      const { readable, writable } = new TransformStream();
      const writer = writable.getWriter();
      const text = new TextEncoder();
      (async () => { await writer.write(text.encode("first")); for await (const _ of request.body); await writer.write(text.encode("second")); await writer.close(); })();
      return new Response(readable);
    }
    case "/ws": { const [client, server] = Object.values(new WebSocketPair()); server.accept(); server.addEventListener("message", (event) => server.send("echo " + event.data)); return new Response(null, { status: 101, webSocket: client }); }
    default: return Response.json({ version: "${version}", url: request.url, colo: request.cf?.colo, headers: Object.fromEntries(request.headers) });
  }
} }`;

let runtime: GraphRuntime;
let door: FrontDoor;
const access: AccessEntry[] = [];

beforeAll(async () => {
  runtime = createGraphRuntime({ drain: { overlap: 300 } });
  await runtime.swap(graph({ gateway: { code: CODE("1") } }));
  door = await createFrontDoor({
    host: "127.0.0.1",
    port: 0,
    route: (hostname) =>
      hostname === "nobody.localhost"
        ? { page: { status: 404, headers: { "content-type": "text/plain" }, body: "nobody" } }
        : {
            worker: "gateway@production",
            acquire: () => runtime.acquire("gateway@production"),
            responseHeaders: () => ({ "x-troupe-version": "7" }),
          },
    onAccess: (entry) => access.push(entry),
    onUncaught: async (ray) => ({ status: 500, headers: { "content-type": "text/plain" }, body: `explained ${ray}` }),
    appendHtml: () => "<!-- appended -->",
  });
});

afterAll(async () => {
  await door.close();
  await runtime.close();
});

interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

function send(path: string, options: http.RequestOptions = {}, body?: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port: door.port, path, ...options }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString() });
    });
    request.on("error", reject);
    request.end(body);
  });
}

describe("what the code sees", () => {
  test("the client's own URL and headers; request.cf, the address and the ray are ours, whatever the client sends", async () => {
    const headers = {
      host: "gateway.localhost:1234",
      "cf-connecting-ip": "6.6.6.6",
      "mf-cf-blob": '{"colo":"EVIL"}',
      "cf-ray": "evil",
      "x-own": "kept",
    };
    const seen = JSON.parse((await send("/a?b=c", { headers })).body);
    expect(seen.url).toBe("http://gateway.localhost:1234/a?b=c");
    expect(seen.colo).toBe("LOC");
    expect(seen.headers).toMatchObject({
      "x-own": "kept",
      "cf-connecting-ip": "127.0.0.1",
      "cf-ray": expect.stringMatching(/^[0-9a-f]{16}-LOC$/),
    });
    expect(seen.headers["mf-cf-blob"]).toBeUndefined();
  });

  test("bodies, with a length or chunked", async () => {
    const big = Buffer.alloc(3_000_000, "x");
    expect((await send("/echo", { method: "POST" }, big)).body.length).toBe(big.length);
    const chunked = await send("/echo", { method: "POST", headers: { "transfer-encoding": "chunked" } }, big);
    expect(chunked.body.length).toBe(big.length);
  });
});

describe("what the client sees", () => {
  test("status, several cookies, empty answers, HEAD, and headers of the route", async () => {
    expect((await send("/cookies")).headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(await send("/204")).toMatchObject({ status: 204, body: "" });
    const head = await send("/html", { method: "HEAD" });
    expect(head).toMatchObject({ status: 200, body: "" });
    expect(head.headers["content-length"]).toBe("9");
    expect(head.headers["x-troupe-version"]).toBe("7");
  });

  test("markup appended to pages, and to nothing else", async () => {
    expect((await send("/html")).body).toBe("<p>hi</p><!-- appended -->");
    expect((await send("/own-500")).body).toBe("Internal Server Error");
  });

  test("an uncaught exception explained; a 500 of the code's own as it is", async () => {
    const explained = await send("/throw");
    expect(explained).toMatchObject({ status: 500, body: expect.stringMatching(/^explained [0-9a-f]{16}-LOC$/) });
    expect(access.at(-1)).toMatchObject({ path: "/throw", status: 500, worker: "gateway@production" });
    expect((await send("/own-500")).status).toBe(500);
  });

  test("streams both ways as they flow", async () => {
    const request = http.request({ host: "127.0.0.1", port: door.port, path: "/stream", method: "POST" });
    request.write("go");
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    const chunks: string[] = [];
    for await (const chunk of response) {
      chunks.push(String(chunk));
      // The rest of the request goes out only after the first part of the answer has come.
      if (chunks.length === 1) request.end("now");
    }
    expect(chunks).toEqual(["first", "second"]);
  });

  test("a page for hostnames that lead nowhere", async () => {
    expect(await send("/", { headers: { host: "nobody.localhost" } })).toMatchObject({ status: 404, body: "nobody" });
  });

  test("400 for what is no HTTP", async () => {
    const socket = net.connect(door.port, "127.0.0.1");
    socket.write("nonsense\r\n\r\n");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 400/);
    socket.destroy();
  });
});

test("WebSockets pass, and end with 1012 when their generation goes", async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${door.port}/ws`);
  const next = (type: string) =>
    new Promise<Event>((resolve) => socket.addEventListener(type, resolve, { once: true }));
  await next("open");
  const message = next("message") as Promise<MessageEvent>;
  socket.send("hey");
  expect((await message).data).toBe("echo hey");
  const closed = next("close") as Promise<CloseEvent>;
  await runtime.swap(graph({ gateway: { code: CODE("2") } }));
  expect((await closed).code).toBe(1012);
  expect(JSON.parse((await send("/")).body).version).toBe("2");
});

test("a client that goes away ends the exchange", async () => {
  const before = access.length;
  const request = http.request({ host: "127.0.0.1", port: door.port, path: "/stream", method: "POST" });
  request.write("go");
  await once(request, "response");
  request.on("error", () => {});
  request.destroy();
  while (access.length === before) await new Promise((resolve) => setImmediate(resolve));
  expect(access.at(-1)?.path).toBe("/stream");
});
