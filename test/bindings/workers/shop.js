/** Uses every stateful binding. Each route does one thing and answers with JSON. */
const routes = {
  async kv({ CACHE }) {
    await CACHE.put("plain", "one");
    await CACHE.put("json", JSON.stringify({ two: 2 }), { metadata: { tag: "m" }, expirationTtl: 3600 });
    await CACHE.put("bytes", new Uint8Array([1, 2, 3]));
    await CACHE.put("gone", "x");
    await CACHE.delete("gone");
    const list = await CACHE.list({ prefix: "" });
    const page = await CACHE.list({ limit: 1 });
    return {
      plain: await CACHE.get("plain"),
      json: await CACHE.getWithMetadata("json", "json"),
      bytes: [...new Uint8Array(await CACHE.get("bytes", "arrayBuffer"))],
      stream: await new Response(await CACHE.get("plain", "stream")).text(),
      several: [...(await CACHE.get(["plain", "gone"]))],
      gone: await CACHE.get("gone"),
      names: list.keys.map(({ name }) => name),
      paged: [page.keys.length, page.list_complete],
    };
  },

  async r2({ FILES }) {
    await FILES.put("a/one.txt", "hello", {
      httpMetadata: { contentType: "text/plain" },
      customMetadata: { by: "test" },
    });
    await FILES.put("a/two.txt", "two");
    await FILES.put("b.txt", "b");
    const upload = await FILES.createMultipartUpload("big");
    const part = await upload.uploadPart(1, "part one");
    await upload.complete([part]);
    await FILES.delete("a/two.txt");
    const head = await FILES.head("a/one.txt");
    const listed = await FILES.list({ delimiter: "/" });
    const refused = await FILES.put("b.txt", "c", { onlyIf: { etagMatches: "no" } });
    return {
      text: await (await FILES.get("a/one.txt")).text(),
      range: await (await FILES.get("a/one.txt", { range: { offset: 1, length: 3 } })).text(),
      type: head.httpMetadata.contentType,
      by: head.customMetadata.by,
      listed: [listed.objects.map(({ key }) => key), listed.delimitedPrefixes],
      big: await (await FILES.get("big")).text(),
      gone: await FILES.get("a/two.txt"),
      refused,
    };
  },

  async d1({ DB }) {
    await DB.exec("CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT UNIQUE)");
    await DB.batch([
      DB.prepare("INSERT INTO users (name) VALUES (?)").bind("ada"),
      DB.prepare("INSERT INTO users (name) VALUES (?)").bind("bob"),
    ]);
    const rolledBack = await DB.batch([
      DB.prepare("INSERT INTO users (name) VALUES ('eve')"),
      DB.prepare("INSERT INTO users (name) VALUES ('ada')"),
    ]).catch((error) => error.message);
    const all = await DB.prepare("SELECT name FROM users ORDER BY id").all();
    const session = DB.withSession("first-primary");
    return {
      names: all.results.map(({ name }) => name),
      first: await DB.prepare("SELECT name FROM users WHERE id = ?").bind(2).first("name"),
      raw: await DB.prepare("SELECT id, name FROM users WHERE name = ?").bind("ada").raw(),
      changes: (await DB.prepare("UPDATE users SET name = 'rob' WHERE name = 'bob'").run()).meta.changes,
      rolledBack,
      session: await session.prepare("SELECT count(*) AS n FROM users").first("n"),
    };
  },

  async send({ JOBS }, url) {
    await JOBS.send({ text: url.searchParams.get("text") });
    await JOBS.sendBatch([{ body: { text: "batch 1" } }, { body: { text: "batch 2" } }]);
    await JOBS.send({ text: "later" }, { delaySeconds: 1 });
    await JOBS.send({ text: "poison" });
    return {};
  },

  async counter({ COUNTER, LOCAL }) {
    const stub = COUNTER.get(COUNTER.idFromName("a"));
    await stub.add(2);
    const local = LOCAL.getByName("x");
    return {
      total: await stub.add(3),
      byFetch: await (await stub.fetch("http://counter/")).json(),
      other: await COUNTER.getByName("b").add(1),
      local: await local.hello("you"),
    };
  },

  async alarm({ COUNTER }) {
    return { set: await COUNTER.getByName("alarmed").setAlarm() };
  },

  async alarmed({ COUNTER }) {
    return { rang: await COUNTER.getByName("alarmed").rang() };
  },

  async chat({ COUNTER }) {
    const heard = [];
    const open = async () => {
      const { webSocket } = await COUNTER.getByName("room").fetch("http://room/", {
        headers: { upgrade: "websocket" },
      });
      webSocket.accept();
      return webSocket;
    };
    const sockets = [await open(), await open()];
    const both = sockets.map(
      (socket) => new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(heard.push(data)))),
    );
    sockets[1].send("hi");
    await Promise.all(both);
    for (const socket of sockets) socket.close(1000, "done");
    return { heard };
  },

  async startFlow({ ORDERS }, url) {
    const instance = await ORDERS.create({ id: url.searchParams.get("id"), params: { item: "tea" } });
    return { id: instance.id };
  },

  async flow({ ORDERS }, url) {
    return (await ORDERS.get(url.searchParams.get("id"))).status();
  },

  async event({ ORDERS }, url) {
    await (await ORDERS.get(url.searchParams.get("id"))).sendEvent({ type: "paid", payload: { by: "card" } });
    return {};
  },
};

import { DurableObject } from "cloudflare:workers";

export class Greeter extends DurableObject {
  hello(name) {
    return `hello ${name}`;
  }
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const route = routes[url.pathname.slice(1)];
    if (!route) return new Response("no such route", { status: 404 });
    try {
      return Response.json(await route(env, url));
    } catch (error) {
      return new Response(error.stack, { status: 500 });
    }
  },
};
