import { createHash } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AccessEntry, createFrontDoor, type FrontDoor } from "../../src/host/front-door.ts";
import { unixOrigin } from "../../src/lib/unix-origin.ts";
import { createGraphRuntime, type GraphRuntime } from "../../src/runtime/index.ts";
import { makeFolder, removeFolder } from "../support/files.ts";
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
    case "/silent": return new Response(new ReadableStream({ start() {} }));
    case "/long": {
      let left = 2000;
      const chunk = new Uint8Array(10_000).map((_, index) => index % 251);
      return new Response(new ReadableStream({ pull(controller) { if (left-- > 0) controller.enqueue(chunk); else controller.close(); } }));
    }
    case "/bytes": return new Response(new ReadableStream({ start(controller) { controller.enqueue(new Uint8Array([0, 128, 255])); controller.close(); } }));
    case "/headers": return new Response("own", { headers: { "x-troupe-version": "forged", "x-latin1": "caf\u00e9", connection: "x-hop", "keep-alive": "timeout=99" } });
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
            tryAcquire: () => runtime.tryAcquire("gateway@production"),
            acquire: () => runtime.acquire("gateway@production"),
            responseHeaders: () => ["x-troupe-version", "7"],
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

/** Everything that comes back for these bytes. */
async function raw(bytes: string): Promise<string> {
  const socket = net.connect(door.port, "127.0.0.1");
  socket.write(bytes, "latin1");
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("latin1");
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

test("requests without a body and methods that have one, and clients of HTTP/1.0 that name no host", async () => {
  const posted = JSON.parse((await send("/", { method: "POST", headers: { "x-empty": "" } })).body);
  expect(posted.headers).toMatchObject({ "content-length": "0", "x-empty": "" });
  const bare = await raw("POST /%C3%A9?a=%20 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  expect(bare).toMatch(/^HTTP\/1\.1 200 /);
  const old = await raw("GET /a HTTP/1.0\r\n\r\n");
  expect(old).toContain('"url":"http://localhost/a"');
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

  test("the head of a stream before its first chunk", async () => {
    const request = http.get({ host: "127.0.0.1", port: door.port, path: "/silent" });
    request.on("error", () => {});
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    expect(response.statusCode).toBe(200);
    request.destroy();
  });

  test("a long answer whole, however slowly it is read", async () => {
    const request = http.get({ host: "127.0.0.1", port: door.port, path: "/long", agent: false });
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    const hash = createHash("sha256");
    let length = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      hash.update(chunk);
      if (length < 5_000_000) await new Promise((resolve) => setTimeout(resolve, 1));
      length += chunk.length;
    }
    const chunk = new Uint8Array(10_000).map((_, index) => index % 251);
    expect(length).toBe(20_000_000);
    expect(hash.digest("hex")).toBe(
      createHash("sha256")
        .update(Buffer.concat(Array(2000).fill(chunk)))
        .digest("hex"),
    );
  });

  test("an answer that comes in one piece with its length, byte for byte", async () => {
    const response = await fetch(`http://127.0.0.1:${door.port}/bytes`);
    expect(response.headers.get("content-length")).toBe("3");
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0, 128, 255]);
  });

  test("headers as they were, but those of one connection, and ours", async () => {
    const { headers } = await send("/headers", { agent: false });
    expect(headers).toMatchObject({ "x-troupe-version": "7" });
    expect(Buffer.from(String(headers["x-latin1"]), "latin1").toString()).toBe("caf\u00e9");
    expect(headers.connection).toBe("close");
    expect(headers["keep-alive"]).toBeUndefined();
  });

  test("pipelined requests one after the other", async () => {
    const text = await raw(
      "GET /html HTTP/1.1\r\nHost: a\r\n\r\nGET /cookies HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(text.indexOf("<p>hi</p>")).toBeLessThan(text.indexOf("a=1"));
  });

  test.each([
    ["two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"],
    [
      "two hosts of an upgrade",
      "GET /ws HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    ],
    ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
    [
      "a length and chunks",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["an unknown encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n"],
    ["a line feed in a header", "GET / HTTP/1.1\r\nHost: a\r\nx: a\nb: c\r\n\r\n"],
  ])("400 for a request that could be read in two ways: %s", async (_what, request) => {
    expect(await raw(request)).toMatch(/^HTTP\/1\.1 400 /);
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

test("a WebSocket client that says nothing to that holds up no swap", async () => {
  const runtime = createGraphRuntime({ drain: { prewarm: 60_000 } });
  const route = { worker: "gateway@production", tryAcquire: () => undefined };
  const door = await createFrontDoor({
    host: "127.0.0.1",
    port: 0,
    route: () => ({ ...route, acquire: () => runtime.acquire("gateway@production") }),
  });
  const KV = { name: "KV", kind: "kv", entry: { binding: "KV" }, resource: "kv" };
  const kept = (version: string) => graph({ gateway: { code: CODE(version), bindings: [KV] } });
  try {
    await runtime.swap(kept("1"));
    const client = net.connect(door.port, "127.0.0.1");
    client.write("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");
    client.write("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    await once(client, "data");
    client.pause();
    expect((await runtime.swap(kept("2"))).mode).toBe("prewarm");
    client.destroy();
  } finally {
    await runtime.close();
    await door.close();
  }
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

test("a process that takes long to be back is waited for", async () => {
  const folder = makeFolder();
  const socket = path.join(folder, "worker.sock");
  const late = http.createServer((_request, response) => response.end("back"));
  const { signal: retiring } = new AbortController();
  const lease = { origin: unixOrigin(socket), retiring, holder: undefined, version: undefined, release() {} };
  let tries = 0;
  const route = {
    worker: "gateway@production",
    tryAcquire: () => {
      if (++tries === 25) late.listen(socket);
      return lease;
    },
    acquire: async () => lease,
  };
  const door = await createFrontDoor({ host: "127.0.0.1", port: 0, route: () => route });
  try {
    expect(await (await fetch(`http://127.0.0.1:${door.port}/`)).text()).toBe("back");
    expect(tries).toBeGreaterThanOrEqual(25);
  } finally {
    await door.close();
    late.close();
    removeFolder(folder);
  }
});

test("a WebSocket client whose connection breaks before it is known where it goes harms nobody", async () => {
  let arrive = (_socket: net.Socket): void => {};
  const arrived = new Promise<net.Socket>((resolve) => {
    arrive = resolve;
  });
  const waiting = await createFrontDoor({
    host: "127.0.0.1",
    port: 0,
    route(_hostname, request) {
      const socket = request.socket as net.Socket;
      arrive(socket);
      const gone = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      return { later: gone.then(() => ({ page: { status: 404, headers: {}, body: "" } })) };
    },
  });
  const client = net.connect(waiting.port, "127.0.0.1");
  client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const socket = await arrived;
  client.resetAndDestroy();
  await new Promise<void>((resolve) => (socket.destroyed ? resolve() : socket.once("close", () => resolve())));
  await waiting.close();
});
