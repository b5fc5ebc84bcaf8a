import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { endpointOf, fitsUnixSocket, unixOrigin } from "../../src/lib/unix-origin.ts";
import { createGraphRuntime } from "../../src/runtime/index.ts";
import { graph } from "../support/graph.ts";

test.skipIf(process.platform === "win32")(
  "a socket that only this user reaches, one for each generation, gone with it",
  async () => {
    const runtime = createGraphRuntime({ drain: { overlap: 0 } });
    const file = async (): Promise<string> => {
      const lease = await runtime.acquire("gateway@production");
      lease.release();
      const endpoint = endpointOf(lease.origin);
      if (!("path" in endpoint)) throw new Error(`${lease.origin} is no Unix socket`);
      return endpoint.path;
    };
    const spec = (text: string) =>
      graph({ gateway: { code: `export default { fetch: () => new Response("${text}") }` } });
    await runtime.swap(spec("1"));
    const first = await file();
    expect(statSync(first).isSocket()).toBe(true);
    expect(statSync(path.dirname(first)).mode & 0o077).toBe(0);
    await runtime.swap(spec("2"));
    const second = await file();
    expect(second).not.toBe(first);
    await runtime.close();
    expect([first, second].filter(existsSync)).toEqual([]);
  },
);

test("origins of Unix sockets, and paths that are too long for one", () => {
  expect(endpointOf(unixOrigin("/tmp/caf\u00e9 1:0"))).toEqual({ path: "/tmp/caf\u00e9 1:0" });
  expect(endpointOf("http://127.0.0.1:8080")).toEqual({ host: "127.0.0.1", port: 8080 });
  expect(fitsUnixSocket(`/${"x".repeat(103)}`)).toBe(false);
});
