/** `troupe dev`, when saved code is loaded into the running process: what a user sees of it. */
import http from "node:http";
import path from "node:path";
import { WebSocket } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Dev, startDev } from "../support/dev.ts";
import { makeFolder, removeFolder, writeFiles } from "../support/files.ts";

const config = (name: string, more = "") =>
  `name = "${name}"\nmain = "src/index.ts"\ncompatibility_date = "2026-11-01"\n${more}`;
const GATEWAY_CONFIG = config("gateway", `[[services]]\nbinding = "API"\nservice = "api"\n`);

const GATEWAY = `export default { fetch: (request, env) => env.API.fetch(request) };\n`;

/** Line 6 throws. */
const api = (version: string) => `interface Env { COLOUR?: string }

const version: string = ${JSON.stringify(version)};

function fail(): never {
  throw new TypeError("thrown by " + version);
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case "/throw":
        console.error("about to throw", version);
        return fail();
      case "/colour":
        return new Response(env.COLOUR);
      case "/socket": {
        const [client, server] = Object.values(new WebSocketPair());
        server.accept();
        server.send(version);
        return new Response(null, { status: 101, webSocket: client });
      }
      case "/forever": {
        const body = new ReadableStream({
          async pull(controller) {
            controller.enqueue(new TextEncoder().encode(version));
            await scheduler.wait(20);
          },
        });
        return new Response(body);
      }
    }
    return new Response(version);
  },
};
`;

let folder: string;
let dev: Dev;
const save = (files: Record<string, string>) => writeFiles(folder, files);
const say = (version: string) => dev.reloadAfter(() => save({ "services/api/src/index.ts": api(version) }));

beforeAll(async () => {
  folder = makeFolder({
    "troupe.toml": `[workspace]\nmembers = ["services/gateway", "services/*"]\n`,
    "services/gateway/troupe.toml": GATEWAY_CONFIG,
    "services/gateway/src/index.ts": GATEWAY,
    "services/api/troupe.toml": config("api"),
    "services/api/src/index.ts": api("first"),
  });
  dev = await startDev(folder);
  expect((await say("second")).mode).toBe("overlap");
  expect(await say("third")).toMatchObject({ mode: "load", services: ["api"], paused: 0 });
});

afterAll(async () => {
  await dev?.stop();
  removeFolder(folder);
});

describe("code that is loaded", () => {
  it("answers at once", async () => {
    expect((await dev.get("")).body).toBe("third");
    expect((await dev.get("api")).body).toBe("third");
  });

  it("has its logs and exceptions told, in the lines of the source", async () => {
    const before = dev.mark();
    const answer = await dev.get("api", "/throw", { headers: { accept: "text/html" } });
    expect(answer.status).toBe(500);
    expect(answer.body).toContain("thrown by third");
    expect(answer.body).toContain("services/api/src/index.ts:6:");
    const log = await dev.next("log", before, (event) => event.level === "error");
    expect(log).toMatchObject({ service: "api", message: "about to throw third" });
    const exception = await dev.next("exception", before);
    expect(exception).toMatchObject({ service: "api", name: "TypeError", message: "thrown by third" });
    expect(exception.location).toMatchObject({ file: path.join(folder, "services/api/src/index.ts"), line: 6 });
    expect(exception.stack).toContain("services/api/src/index.ts:14:");
  });

  it("that throws when it starts does not replace what serves", async () => {
    const before = dev.mark();
    save({ "services/api/src/index.ts": `${api("never")}\nthrow new Error("no luck");\n` });
    const event = await dev.next("build-error", before);
    expect(event).toMatchObject({ phase: "start", stale: true, message: expect.stringContaining("no luck") });
    expect(event.diagnostics[0].location).toMatchObject({
      file: path.join(folder, "services/api/src/index.ts"),
      line: 37,
    });
    expect((await dev.get("")).body).toBe("third");
    expect((await say("fourth")).mode).toBe("load");
    expect((await dev.get("")).body).toBe("fourth");
  });

  it("ends WebSockets of the code before it with 1012, streams when their time is up", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${dev.port}/socket`);
    const first = await new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(data)));
    const closed = new Promise((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)));
    const stream = await new Promise<http.IncomingMessage>((resolve) =>
      http.get({ host: "127.0.0.1", port: dev.port, path: "/forever", agent: false }, resolve),
    );
    const cut = new Promise((resolve) => stream.once("error", resolve).resume());
    expect(first).toBe("fourth");
    expect((await say("fifth")).mode).toBe("load");
    expect(await closed).toBe(1012);
    expect((await cut) as Error).toMatchObject({ code: "ECONNRESET" });
    expect((await dev.get("")).body).toBe("fifth");
  });
});

describe("the ordinary way is taken", () => {
  it("for a binding that is added, and loading goes on after it", async () => {
    const reload = await dev.reloadAfter(() =>
      save({ "services/api/troupe.toml": config("api", `[vars]\nCOLOUR = "blue"\n`) }),
    );
    expect(reload.mode).toBe("overlap");
    expect((await dev.get("", "/colour")).body).toBe("blue");
    expect((await say("sixth")).mode).toBe("load");
    expect((await dev.get("", "/colour")).body).toBe("blue");
    expect((await dev.get("")).body).toBe("sixth");
  });

  it("for code and config saved together", async () => {
    const reload = await dev.reloadAfter(() =>
      save({
        "services/api/troupe.toml": config("api", `[vars]\nCOLOUR = "red"\n`),
        "services/api/src/index.ts": api("seventh"),
      }),
    );
    expect(reload.mode).toBe("overlap");
    expect([(await dev.get("")).body, (await dev.get("", "/colour")).body]).toEqual(["seventh", "red"]);
  });

  it("for a service that is edited for the first time", async () => {
    const gateway = (text: string) => ({
      "services/gateway/src/index.ts": `export default { fetch: async (request, env) => new Response(${JSON.stringify(text)} + (await (await env.API.fetch(request)).text())) };\n`,
    });
    expect((await dev.reloadAfter(() => save(gateway("a ")))).mode).toBe("overlap");
    expect((await dev.get("")).body).toBe("a seventh");
    expect((await dev.reloadAfter(() => save(gateway("b ")))).mode).toBe("load");
    expect((await dev.get("")).body).toBe("b seventh");
    expect((await say("eighth")).mode).toBe("load");
    expect((await dev.get("")).body).toBe("b eighth");
  });
});
