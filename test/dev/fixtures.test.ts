/** The examples in fixtures/ do what their README files say. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { WebSocket } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyFixture, type Dev, startDev } from "../support/dev.ts";
import { removeFolder } from "../support/files.ts";

/** One running copy of a fixture for all tests of a block. */
function running(name: string, args: string[] = []): { dev: Dev; folder: string } {
  const state = {} as { dev: Dev; folder: string };
  beforeAll(async () => {
    state.folder = copyFixture(name);
    state.dev = await startDev(state.folder, args);
  });
  afterAll(async () => {
    await state.dev?.stop();
    removeFolder(state.folder);
  });
  return state;
}

describe("gateway", () => {
  const state = running("gateway");

  it("refuses a request without the token", async () => {
    const { status, body } = await state.dev.get("");
    expect({ status, body }).toEqual({ status: 403, body: "x-custom-token does not match, request not allowed" });
  });

  it("refuses a wrong token", async () => {
    const { status } = await state.dev.get("gateway", "/", { headers: { "x-custom-token": "guess" } });
    expect(status).toBe(403);
  });

  it("lets the right token pass", async () => {
    const { status, body } = await state.dev.get("gateway", "/x", { headers: { "x-custom-token": "open-sesame" } });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ path: "/x" });
  });

  it("gives the private auth service no hostname", async () => {
    expect(Object.keys(state.dev.ready.urls)).toEqual(["gateway"]);
    const { status, body } = await state.dev.get("auth", "/", { headers: { "x-custom-token": "open-sesame" } });
    expect(status).toBe(404);
    expect(body).toContain("gateway");
    expect(body).toContain("troupe dev --expose auth");
  });

  it("says in the graph who binds whom", () => {
    const [gateway, auth] = state.dev.ready.graph.services;
    expect(gateway).toMatchObject({ service: "gateway", private: false });
    expect(gateway.bindings).toMatchObject([{ name: "AUTH", service: "auth", environment: "production" }]);
    expect(auth).toMatchObject({ service: "auth", private: true });
  });

  it("takes the token from .dev.vars once that exists", async () => {
    const file = path.join(state.folder, "services/auth/.dev.vars");
    await state.dev.reloadAfter(() => writeFileSync(file, 'AUTH_TOKEN="mine"\n'));
    const ask = (token: string) => state.dev.get("", "/", { headers: { "x-custom-token": token } });
    expect((await ask("mine")).status).toBe(200);
    expect((await ask("open-sesame")).status).toBe(403);
  });
});

describe("gateway --expose auth", () => {
  const state = running("gateway", ["--expose", "auth"]);

  it("opens the private service", async () => {
    expect(Object.keys(state.dev.ready.urls).sort()).toEqual(["auth", "gateway"]);
    expect(await state.dev.get("auth", "/")).toMatchObject({ status: 403 });
    const answer = await state.dev.get("auth", "/", { headers: { "x-custom-token": "open-sesame" } });
    expect(answer).toMatchObject({ status: 200, body: "request allowed" });
  });
});

describe("canary", () => {
  const state = running("canary");
  const ask = (url: string, canary: "always" | "never", init: { method?: string; body?: string } = {}) =>
    state.dev.get("splitter", url, { ...init, headers: { "x-canary": canary } });

  it("runs two environments of one service, each with its own vars", async () => {
    const [production, canary] = [await ask("/products/1", "never"), await ask("/products/1", "always")];
    expect(production.headers["x-served-by"]).toBe("production");
    expect(JSON.parse(production.body).price).toBe(4900);
    expect(canary.headers["x-served-by"]).toBe("canary");
    expect(JSON.parse(canary.body).price).toBe(4410);
  });

  it.each(["GET", "HEAD", "PUT", "DELETE"])("repeats %s on production when the canary fails", async (method) => {
    const answer = await ask("/products/3", "always", { method, ...(method === "PUT" && { body: "{}" }) });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ "x-served-by": "production", "x-canary-status": "500" });
  });

  it("does not repeat POST", async () => {
    const answer = await ask("/orders", "always", { method: "POST", body: '{"product":"3"}' });
    expect(answer.status).toBe(500);
    expect(answer.headers["x-served-by"]).toBe("canary");
  });

  it("sends few requests to the canary by chance", async () => {
    let canary = 0;
    for (let i = 0; i < 100; i++) {
      const { headers } = await state.dev.get("", "/products/1");
      if (headers["x-served-by"] === "canary") canary++;
    }
    // With one percent, 15 or more of 100 happen once in 10^13 runs.
    expect(canary).toBeLessThan(15);
  });
});

describe("canary --var CANARY_PERCENT:100", () => {
  const state = running("canary", ["--var", "CANARY_PERCENT:100"]);

  it("sends everything to the canary", async () => {
    for (let i = 0; i < 5; i++) {
      expect((await state.dev.get("", "/products/1")).headers["x-served-by"]).toBe("canary");
    }
  });
});

describe("classic", () => {
  const state = running("classic");

  it("hands a FetchEvent to service-worker syntax, through a binding", async () => {
    expect((await state.dev.get("site", "/ada")).body).toBe("Good morning, ada (said on a FetchEvent)\n");
  });

  it("serves it by its own hostname too", async () => {
    expect(JSON.parse((await state.dev.get("greeter", "/grace")).body)).toEqual({
      greeting: "Good morning, grace",
      event: "FetchEvent",
    });
  });
});

describe("rpc", () => {
  const state = running("rpc");
  const post = async (url: string, body = "") =>
    JSON.parse((await state.dev.get("bank", url, { method: "POST", body })).body);

  it("calls a method of a named entrypoint", async () => {
    expect(JSON.parse((await state.dev.get("bank", "/balance/grace")).body)).toEqual({
      account: "grace",
      balance: 200,
    });
  });

  it("gets what the method threw", async () => {
    const { status, body } = await state.dev.get("bank", "/balance/nobody");
    expect(status).toBe(400);
    expect(JSON.parse(body).error).toBe('no account "nobody"');
  });

  it("lets props decide what a caller may do", async () => {
    expect(await post("/transfer?from=ada&to=eve&amount=5")).toEqual({ from: 995, to: 5 });
    expect(await post("/steal?from=ada&to=eve&amount=5")).toEqual({ error: "a reader may not transfer" });
  });

  it("passes streams in both directions", async () => {
    const statement = await state.dev.get("bank", "/statement/grace");
    expect(statement.headers["content-type"]).toBe("text/csv");
    expect(statement.body).toBe("cash,grace,200\n");
    expect(await post("/sum", "a,1\nb,41\n")).toEqual({ sum: 42 });
  });

  it("calls an object that stays on the other side", async () => {
    expect(await post("/batch?from=ada&to=grace&amount=1&times=3")).toEqual({ transfers: 3 });
  });
});

describe("chat", () => {
  const state = running("chat");

  it("serves its page", async () => {
    const { headers, body } = await state.dev.get("");
    expect(headers["content-type"]).toContain("text/html");
    expect(body).toContain("new WebSocket(");
  });

  it("carries messages between WebSockets", async () => {
    const ada = await enter("ada");
    expect(await ada.next("welcome")).toMatchObject({ messages: [], people: ["ada"] });
    const grace = await enter("grace");
    expect(await ada.next("joined")).toMatchObject({ name: "grace" });
    ada.socket.send("hello");
    expect(await grace.next("message")).toMatchObject({ from: "ada", text: "hello" });
    grace.socket.close();
    expect(await ada.next("left")).toMatchObject({ name: "grace", people: ["ada"] });
    ada.socket.close();
  });

  it("keeps what was said over a reload, which never runs two generations at once", async () => {
    const page = path.join(state.folder, "src/page.html");
    const reload = await state.dev.reloadAfter(() => writeFileSync(page, "<h1>another page</h1>"));
    expect(reload.mode).toBe("hold");
    expect((await state.dev.get("")).body).toContain("another page");
    const messages = JSON.parse((await state.dev.get("", "/rooms/lobby/messages")).body);
    expect(messages).toMatchObject([{ from: "ada", text: "hello" }]);
  });

  /** A visitor, who remembers what was heard until somebody asks for it. */
  async function enter(name: string) {
    const socket = new WebSocket(`ws://127.0.0.1:${state.dev.port}/rooms/lobby/socket?name=${name}`);
    const heard: { type: string; [field: string]: unknown }[] = [];
    let wake = (): void => {};
    socket.addEventListener("message", ({ data }) => {
      heard.push(JSON.parse(data));
      wake();
    });
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    return {
      socket,
      async next(type: string) {
        for (;;) {
          const event = heard.shift();
          if (event?.type === type) return event;
          if (event === undefined) await new Promise<void>((resolve) => (wake = resolve));
        }
      },
    };
  }
});

const WRANGLER_CONFIGS = ["gateway/wrangler.jsonc", "users/wrangler.toml", "audit/wrangler.jsonc"].flatMap((file) => [
  "-c",
  file,
]);
const KEY = { authorization: "Bearer local-key" };

describe("wrangler", () => {
  const state = running("wrangler", [...WRANGLER_CONFIGS, "--expose", "audit"]);

  it("loads .dev.vars beside the config", async () => {
    expect((await state.dev.get("", "/users/ada")).status).toBe(401);
    expect((await state.dev.get("", "/users/ada", { headers: KEY })).status).toBe(404);
  });

  it("binds by script name: KV behind fetch, a Durable Object behind RPC", async () => {
    const put = await state.dev.get("", "/users/ada", { method: "PUT", headers: KEY, body: '{"age":36}' });
    expect(put.status).toBe(201);
    const got = await state.dev.get("", "/users/ada", { headers: KEY });
    expect(got.headers["x-stage"]).toBe("production");
    expect(JSON.parse(got.body)).toEqual({ age: 36 });
    const audit = JSON.parse((await state.dev.get("", "/audit", { headers: KEY })).body);
    expect(audit.map((entry: { what: string }) => entry.what)).toContain("PUT /users/ada");
  });

  it.each(["/cdn-cgi/handler/scheduled", "/cdn-cgi/local/scheduled"])(
    "runs the scheduled handler at %s",
    async (url) => {
      const answer = await state.dev.get("audit", `${url}?cron=0+3+*+*+*&format=json`);
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body)).toEqual({ outcome: "ok", noRetry: false });
    },
  );

  it("answers at /__scheduled only when asked to", async () => {
    expect((await state.dev.get("audit", "/__scheduled")).status).toBe(500);
  });
});

describe("wrangler --env staging", () => {
  const state = running("wrangler", [...WRANGLER_CONFIGS, "--env", "staging", "--test-scheduled", "--expose", "audit"]);

  it("binds the staging environments by their script names, with data of their own", async () => {
    const answer = await state.dev.get("", "/users/ada", { headers: KEY });
    expect(answer.status).toBe(404);
    expect(answer.headers["x-stage"]).toBe("staging");
    expect(state.dev.ready.graph.services.map((each: { environment: string }) => each.environment)).toEqual([
      "staging",
      "staging",
      "staging",
    ]);
  });

  it("runs the scheduled handler at /__scheduled", async () => {
    expect((await state.dev.get("audit", "/__scheduled")).status).toBe(200);
  });
});
