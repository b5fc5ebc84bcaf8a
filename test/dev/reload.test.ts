/** What happens when files change while `troupe dev` runs. One workspace, one run, changed again and again. */
import { appendFileSync, rmSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Answer, type Dev, startDev } from "../support/dev.ts";
import { makeFolder, removeFolder, writeFiles } from "../support/files.ts";

const GATEWAY_CONFIG = `name = "gateway"
main = "src/index.ts"
compatibility_date = "2026-11-01"

[[services]]
binding = "API"
service = "api"
`;

const GATEWAY = `export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/env") return Response.json(Object.fromEntries(Object.entries(env).filter(([, value]) => typeof value === "string")));
    if (pathname === "/other") return env.OTHER.fetch(request);
    if (pathname === "/page") return new Response("<h1>a page</h1>", { headers: { "content-type": "text/html" } });
    if (pathname === "/throw") throw new TypeError("thrown on purpose");
    return env.API.fetch(request);
  },
};
`;

const message = (text: string) => `export const message: string = ${JSON.stringify(text)};\n`;
const simple = (name: string) => ({
  [`services/${name}/src/index.ts`]: `export default { fetch: () => new Response("I am ${name}") };\n`,
  [`services/${name}/troupe.toml`]: `name = "${name}"\nmain = "src/index.ts"\ncompatibility_date = "2026-11-01"\n`,
});

let folder: string;
let dev: Dev;

beforeAll(async () => {
  folder = makeFolder({
    "troupe.toml": `[workspace]\nmembers = ["services/gateway", "services/*"]\n`,
    "services/gateway/troupe.toml": GATEWAY_CONFIG,
    "services/gateway/src/index.ts": GATEWAY,
    "services/api/troupe.toml": `name = "api"\nmain = "src/index.ts"\ncompatibility_date = "2026-11-01"\n`,
    "services/api/src/index.ts": `import { message } from "./message";\nexport default { fetch: () => new Response(message) };\n`,
    "services/api/src/message.ts": message("first"),
    ...simple("other"),
  });
  dev = await startDev(folder);
});

afterAll(async () => {
  await dev?.stop();
  removeFolder(folder);
});

const save = (files: Record<string, string>) => writeFiles(folder, files);
const say = (text: string) => save({ "services/api/src/message.ts": message(text) });
const env = async () => JSON.parse((await dev.get("", "/env")).body);

describe("sources", () => {
  it("answers with the new code after a save, and rebuilds only the service that changed", async () => {
    expect((await dev.get("")).body).toBe("first");
    const reload = await dev.reloadAfter(() => say("second"));
    expect(reload).toMatchObject({ services: ["api"], mode: "overlap", paused: 0 });
    expect(reload.files).toEqual([path.join(folder, "services/api/src/message.ts")]);
    expect((await dev.get("")).body).toBe("second");
  });

  it("answers a request that comes right after a save with the new code", async () => {
    for (let i = 1; i <= 5; i++) {
      say(`at once ${i}`);
      expect((await dev.get("")).body).toBe(`at once ${i}`);
    }
  });

  it("makes one reload of a burst of saves", async () => {
    const before = dev.mark();
    // On a busy machine this process may rest between two saves for longer than a burst does.
    const { child } = dev.running;
    child.kill("SIGSTOP");
    for (let i = 1; i <= 10; i++) say(`burst ${i}`);
    child.kill("SIGCONT");
    await dev.next("reload", before);
    expect((await dev.get("")).body).toBe("burst 10");
    await dev.reloadAfter(() => say("after the burst"));
    expect(dev.running.events.slice(before).filter((event) => event.reason === "reload")).toHaveLength(2);
  });

  it("does not reload when nothing really changed", async () => {
    const before = dev.mark();
    say("after the burst");
    const other = path.join(folder, "services/other/src/index.ts");
    await dev.reloadAfter(() => appendFileSync(other, "console.log('started');\n"));
    const reloads = dev.running.events.slice(before).filter((event) => event.reason === "reload");
    expect(reloads.map((event) => event.services)).toEqual([["other"]]);
  });

  it("watches a module that is imported only now", async () => {
    await dev.reloadAfter(() =>
      save({
        "services/api/src/deep/word.ts": `export const word = "deep";\n`,
        "services/api/src/message.ts": `import { word } from "./deep/word";\nexport const message = word;\n`,
      }),
    );
    expect((await dev.get("")).body).toBe("deep");
    await dev.reloadAfter(() => save({ "services/api/src/deep/word.ts": `export const word = "deeper";\n` }));
    expect((await dev.get("")).body).toBe("deeper");
    await dev.reloadAfter(() => say("flat again"));
  });

  it("answers every request that arrives during reloads", async () => {
    const answers: Answer[] = [];
    let running = true;
    const clients = Array.from({ length: 4 }, async () => {
      while (running) answers.push(await dev.get(""));
    });
    const texts = ["one", "two", "three", "four"];
    for (const text of texts) await dev.reloadAfter(() => say(text));
    running = false;
    await Promise.all(clients);
    expect(answers.length).toBeGreaterThan(texts.length);
    expect(answers.filter((answer) => answer.status !== 200)).toEqual([]);
    expect(["flat again", ...texts]).toEqual(
      expect.arrayContaining([...new Set(answers.map((answer) => answer.body))]),
    );
  });
});

describe("errors", () => {
  const html = { headers: { accept: "text/html" } };

  afterEach(async () => {
    expect((await dev.get("", "/page", html)).body).toBe("<h1>a page</h1>");
  });

  it("keeps the last good code when a build fails, and shows the error in terminal and browser", async () => {
    await dev.reloadAfter(() => say("good"));
    const before = dev.mark();
    save({ "services/api/src/message.ts": `export const message = "unfinished;\n` });
    const event = await dev.next("build-error", before);
    expect(event).toMatchObject({ phase: "build", stale: true });
    expect(event.diagnostics[0].location).toMatchObject({
      file: path.join(folder, "services/api/src/message.ts"),
      line: 1,
    });
    expect((await dev.get("")).body).toBe("good");

    const page = await dev.get("", "/page", html);
    expect(page.status).toBe(200);
    expect(page.body).toContain("<h1>a page</h1>");
    expect(page.body).toContain(event.diagnostics[0].message.replaceAll('"', "&#34;"));
    expect(page.body).toContain("services/api/src/message.ts:1:");

    await dev.reloadAfter(() => say("mended"));
    expect((await dev.get("")).body).toBe("mended");
  });

  it("keeps the last good code when the new code throws at start-up", async () => {
    const before = dev.mark();
    save({ "services/api/src/message.ts": `${message("never")}\nthrow new Error("no luck today");\n` });
    const event = await dev.next("build-error", before);
    expect(event).toMatchObject({ phase: "start", stale: true });
    expect(event.message).toContain("no luck today");
    expect(event.diagnostics[0].location).toMatchObject({
      file: path.join(folder, "services/api/src/message.ts"),
      line: 3,
    });
    expect((await dev.get("")).body).toBe("mended");
    await dev.reloadAfter(() => say("started again"));
    expect((await dev.get("")).body).toBe("started again");
  });

  it("keeps serving when the config breaks, and says where", async () => {
    const before = dev.mark();
    save({ "services/gateway/troupe.toml": `${GATEWAY_CONFIG}\n[var]\nCOLOUR = "blue"\n` });
    const event = await dev.next("build-error", before);
    expect(event).toMatchObject({ phase: "config", stale: true });
    expect(event.diagnostics[0].location).toMatchObject({
      file: path.join(folder, "services/gateway/troupe.toml"),
      line: 9,
    });
    expect(JSON.stringify(event.diagnostics[0])).toContain("vars");
    expect((await dev.get("")).body).toBe("started again");
    await dev.reloadAfter(() => save({ "services/gateway/troupe.toml": GATEWAY_CONFIG }));
  });

  it("explains an uncaught exception in the browser and in the event, with the place in the source", async () => {
    const before = dev.mark();
    const answer = await dev.get("", "/throw", html);
    expect(answer.status).toBe(500);
    expect(answer.body).toContain("thrown on purpose");
    expect(answer.body).toContain("services/gateway/src/index.ts:7:");
    const event = await dev.next("exception", before);
    expect(event).toMatchObject({ service: "gateway", name: "TypeError", message: "thrown on purpose" });
    expect(event.location).toMatchObject({ file: path.join(folder, "services/gateway/src/index.ts"), line: 7 });
    expect((await dev.get("")).status).toBe(200);
  });
});

describe("config", () => {
  it("adds a binding", async () => {
    expect((await dev.get("", "/other")).status).toBe(500);
    const reload = await dev.reloadAfter(() =>
      save({
        "services/gateway/troupe.toml": `${GATEWAY_CONFIG}
[[services]]
binding = "OTHER"
service = "other"

[vars]
COLOUR = "blue"
`,
      }),
    );
    const gateway = reload.graph.services.find((each: { service: string }) => each.service === "gateway");
    expect(gateway.bindings.map((binding: { name: string }) => binding.name)).toEqual(
      expect.arrayContaining(["API", "OTHER", "COLOUR"]),
    );
    expect((await dev.get("", "/other")).body).toBe("I am other");
    expect(await env()).toEqual({ COLOUR: "blue" });
  });

  it("follows .dev.vars: new, changed, gone", async () => {
    const file = "services/gateway/.dev.vars";
    await dev.reloadAfter(() => save({ [file]: `COLOUR="red"\nKEY=abc\n` }));
    expect(await env()).toEqual({ COLOUR: "red", KEY: "abc" });
    await dev.reloadAfter(() => save({ [file]: `KEY=def\n` }));
    expect(await env()).toEqual({ COLOUR: "blue", KEY: "def" });
    await dev.reloadAfter(() => rmSync(path.join(folder, file)));
    expect(await env()).toEqual({ COLOUR: "blue" });
  });

  it("follows members of the workspace: added, removed", async () => {
    expect((await dev.get("extra")).status).toBe(404);
    await dev.reloadAfter(
      () => save(simple("extra")),
      (event) => event.urls?.extra !== undefined,
    );
    expect((await dev.get("extra")).body).toBe("I am extra");
    await dev.reloadAfter(
      () => rmSync(path.join(folder, "services/extra"), { recursive: true }),
      (event) => event.urls !== undefined && event.urls.extra === undefined,
    );
    expect((await dev.get("extra")).status).toBe(404);
  });
});

describe("logs", () => {
  it("tells every request and what a service writes to the console", async () => {
    await dev.reloadAfter(
      () =>
        save({
          "services/other/src/index.ts": `export default { fetch(request) { console.warn("asked for", new URL(request.url).pathname, { deep: 1 }); return new Response("logged"); } };\n`,
        }),
      (event) => event.files.some((file: string) => file.includes("other")),
    );
    const before = dev.mark();
    await dev.get("other", "/a?b=c", { method: "POST" });
    expect(await dev.next("request", before)).toMatchObject({
      service: "other",
      environment: "production",
      method: "POST",
      status: 200,
    });
    const log = await dev.next("log", before, (event) => event.level === "warn");
    expect(log.service).toBe("other");
    expect(log.message).toContain("asked for /a");
  });
});
