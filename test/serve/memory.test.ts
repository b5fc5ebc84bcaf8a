import { once } from "node:events";
import { expect, test } from "vitest";
import { startServe, testStore } from "../support/serve.ts";

const MIB = 1024 * 1024;

/** Answers, and keeps as many MiB as the path says for good. */
const hoarder = `
  const kept = [];
  export default {
    fetch(request) {
      const { pathname } = new URL(request.url);
      if (request.headers.get("upgrade") === "websocket") {
        const [client, server] = Object.values(new WebSocketPair());
        server.accept();
        server.send("open");
        return new Response(null, { status: 101, webSocket: client });
      }
      const size = Number(pathname.slice(1));
      if (size > 0) kept.push(new Uint8Array(size * 1024 * 1024).fill(1));
      return new Response("kept " + kept.length);
    },
  }`;

const stopped = (serve: Awaited<ReturnType<typeof startServe>>) =>
  serve.running.events
    .filter(({ reason }) => reason === "stop")
    .map(({ why, environments }) => [why, environments[0].service]);

async function gauge(serve: Awaited<ReturnType<typeof startServe>>, name: string): Promise<number> {
  const { body } = await serve.control("/metrics");
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(body)?.[1]);
}

// Elsewhere what processes share counts for each of them.
const onLinux = test.skipIf(process.platform !== "linux");

onLinux("graphs that nobody uses go when all take more memory than they may, the longest idle first", async () => {
  const store = testStore();
  store.deploy({ a: { code: hoarder }, b: { code: hoarder }, c: { code: hoarder } });
  // Each process takes some 20 MiB more: three are too much, two are not.
  const serve = await startServe(store.folder, ["--memory-limit", "420MiB"]);
  await serve.get("a", "/100");
  await serve.get("b", "/100");
  expect(await gauge(serve, "troupe_memory_limit_bytes")).toBe(420 * MIB);
  expect(await gauge(serve, "troupe_memory_bytes")).toBeGreaterThan(200 * MIB);
  expect((await serve.control("/metrics")).body).toMatch(/^troupe_graph_memory_bytes\{graph="a@production"\} \d+$/m);
  expect(stopped(serve)).toEqual([]);

  await serve.get("c", "/200");
  await serve.next("stop");
  expect(stopped(serve)).toEqual([["memory", "a"]]);
  for (const name of ["b", "c"]) expect((await serve.get(name)).body).toBe("kept 1");
});

onLinux("a graph with an open WebSocket stays, however much memory it takes", async () => {
  const store = testStore();
  store.deploy({ a: { code: hoarder, environment: { routes: [{ pattern: "127.0.0.1/*" }] } }, b: { code: hoarder } });
  const serve = await startServe(store.folder, ["--memory-limit", "150MiB"]);
  const socket = new WebSocket(`ws://127.0.0.1:${serve.port}/`);
  await once(socket, "open");
  await serve.get("a", "/200");
  await serve.get("b", "/1");
  await serve.next("stop", 0, ({ environments }) => environments[0].service === "b");
  expect(stopped(serve)).toEqual([["memory", "b"]]);

  socket.close();
  await serve.next("stop", 0, ({ environments }) => environments[0].service === "a");
});
