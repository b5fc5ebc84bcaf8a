/** Flags of `troupe dev`, most of them in one run. */
import { once } from "node:events";
import { readFileSync, renameSync } from "node:fs";
import https from "node:https";
import net from "node:net";
import path from "node:path";
import { WebSocket } from "undici";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { type RunningTroupe, startTroupe } from "../support/cli.ts";
import { type Dev, request, startDev } from "../support/dev.ts";
import { makeFolder, removeFolder, testFolder, writeFiles } from "../support/files.ts";
import { troupeHere } from "../support/here.ts";
import { freePort } from "../support/port.ts";

const FILES = {
  "app/troupe.toml": `name = "app"
main = "missing.ts"
compatibility_date = "2020-01-01"

[vars]
COLOUR = "blue"
SIZE = 3
`,
  "app/main.ts": `import { what } from "@/what";
import { where } from "place";

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === "/page") return new Response("<p>page</p>", { headers: { "content-type": "text/html" } });
    const { COLOUR, SIZE, KEY } = env;
    return Response.json({ COLOUR, SIZE, KEY, what, where, built: BUILT, url: request.url, navigator: typeof navigator });
  },
};
`,
  "app/src/place.ts": `export const where = "the alias";\n`,
  "app/src/what.ts": `export const what = "a path of tsconfig";\n`,
  "app/alternative.json": `{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }`,
  "app/some.env": `KEY="from the file"\n`,
  "app/.dev.vars": `KEY="not read"\n`,
};

/** What a debugger hears. */
// biome-ignore lint/suspicious/noExplicitAny: the protocol has a shape for each method
type Said = Record<string, any>;

describe("in one run", () => {
  let folder: string;
  let dev: Dev;
  beforeAll(async () => {
    folder = makeFolder(FILES);
    dev = await startDev(folder, [
      ...[
        "app/main.ts",
        "-c",
        "app/troupe.toml",
        "--local-protocol",
        "https",
        "--live-reload",
        "--inspector-port",
        "0",
      ],
      ...["--var", "COLOUR:red:ish", "--env-file", "app/some.env", "--define", `BUILT:"today"`],
      ...[
        "--alias",
        "place:./src/place.ts",
        "--tsconfig",
        "app/alternative.json",
        "--compatibility-date",
        "2026-11-01",
      ],
    ]);
  });
  afterAll(async () => {
    await dev?.stop();
    removeFolder(folder);
  });

  it("answers over https, with a certificate made on the spot", async () => {
    expect(dev.ready.url).toMatch(/^https:/);
    expect((await get("/")).status).toBe(200);
  });

  it("takes vars, files, defines, aliases, date and entry from the command line", async () => {
    expect(JSON.parse((await get("/")).body)).toMatchObject({
      COLOUR: "red:ish",
      SIZE: 3,
      KEY: "from the file",
      what: "a path of tsconfig",
      where: "the alias",
      built: "today",
      url: expect.stringMatching(/^https:/),
      // Only there since a date in 2022.
      navigator: "object",
    });
  });

  it("reloads pages in the browser", async () => {
    const waits = async () => {
      const { body } = await get("/page", { accept: "text/html" });
      const [, state] = /let n="(\d+)"/.exec(body) ?? [];
      const [, path] = /fetch\("([^"]+)"\+n\)/.exec(body) ?? [];
      return path! + state;
    };
    const place = (where: string) =>
      dev.reloadAfter(() => writeFiles(folder, { "app/src/place.ts": `export const where = "${where}";\n` }));
    const url = await waits();
    const reloaded = get(url);
    await place("elsewhere");
    expect((await reloaded).status).toBe(200);
    expect(JSON.parse((await get("/")).body).where).toBe("elsewhere");
    // A page that asks only when its code has been replaced already.
    const late = await waits();
    expect(late).not.toBe(url);
    await place("somewhere");
    const { status, body } = await get(late);
    expect(status).toBe(200);
    expect(await waits()).toContain(body);
  });

  it("opens the inspector, and stops at a breakpoint", async () => {
    const { port } = new URL(dev.ready.inspectorUrl);
    const targets = JSON.parse((await request(Number(port), "127.0.0.1", "/json")).body);
    // None of those that the runtime has for itself.
    expect(targets).toHaveLength(1);
    expect(targets[0].webSocketDebuggerUrl).toContain(`:${port}/app@production`);
    const socket = new WebSocket(targets[0].webSocketDebuggerUrl, { headers: { origin: "http://localhost" } });
    const heard: Said[] = [];
    socket.onmessage = ({ data }) => void heard.push(JSON.parse(data));
    await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
    let calls = 0;
    const call = async (method: string, params = {}) => {
      const id = ++calls;
      socket.send(JSON.stringify({ id, method, params }));
      return (await vi.waitUntil(() => heard.find((message) => message.id === id), { timeout: 20_000 })).result;
    };
    const told = async (method: string, wanted = (_params: Said) => true) =>
      (
        await vi.waitUntil(() => heard.find((each) => each.method === method && wanted(each.params)), {
          timeout: 20_000,
        })
      ).params;

    await call("Debugger.enable");
    const script = await told("Debugger.scriptParsed", ({ url }) => url.startsWith("file:"));
    // The map comes along, so that a debugger shows the files themselves.
    const map = JSON.parse(Buffer.from(script.sourceMapURL.split(",")[1], "base64").toString());
    expect(map.sources.map((source: string) => path.basename(source))).toContain("main.ts");
    const { scriptSource } = await call("Debugger.getScriptSource", { scriptId: script.scriptId });
    const before = scriptSource.slice(0, scriptSource.indexOf("Response.json")).split("\n");
    const place = { lineNumber: before.length - 1, columnNumber: before.at(-1).length };
    await call("Debugger.setBreakpointByUrl", { url: script.url, ...place });
    const answer = get("/");
    const { callFrames } = await told("Debugger.paused");
    expect(callFrames[0].functionName).toBe("fetch");
    await call("Debugger.resume");
    expect((await answer).status).toBe(200);
    socket.close();
  });

  function get(url: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const outgoing = https.get(
        { host: "127.0.0.1", port: dev.port, path: url, headers, rejectUnauthorized: false, agent: false },
        (response) => {
          let body = "";
          response.setEncoding("utf8").on("data", (chunk) => {
            body += chunk;
          });
          response.once("end", () => resolve({ status: response.statusCode!, body }));
        },
      );
      outgoing.once("error", reject);
    });
  }
});

it("refuses an inspector port that is taken, naming who holds it", async () => {
  const holder = net.createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const { port } = holder.address() as net.AddressInfo;
  const { code, stderr } = await troupeHere(["dev", "main.ts", "--inspector-port", String(port)], {
    cwd: `${testFolder({ ...FILES })}/app`,
  });
  holder.close();
  expect(code).toBe(6);
  expect(stderr).toContain(`Port ${port} is in use by process ${process.pid}`);
  expect(stderr).toContain("leave --inspector-port away");
});

it.each([
  [["--remote"], "--remote"],
  [["--tunnel"], "cloudflared"],
  [["--var", "COLOUR"], "KEY:VALUE"],
  [["--https-key-path", "key.pem"], "--https-cert-path"],
  [["--persist-too", "x"], "--persist-to"],
  [["--local-protocol", "ftp"], "https"],
])("refuses %j", async (args, said) => {
  const { code, stderr } = await troupeHere(["dev", ...args], { cwd: testFolder({ ...FILES }) });
  expect(code).toBe(2);
  expect(stderr).toContain(said);
});

it("points at a script that is not there, not at the config", async () => {
  const { code, stderr } = await troupeHere(["dev", "man.ts"], { cwd: `${testFolder({ ...FILES })}/app` });
  expect(code).toBe(5);
  expect(stderr).toContain("There is no file man.ts");
  expect(stderr).toContain('"main.ts"');
  expect(stderr).not.toContain("troupe.toml");
});

it("takes the script and the tsconfig from --cwd", async () => {
  const cwd = testFolder({ ...FILES });
  const dev = await startDev(cwd, [
    ...["main.ts", "--cwd", "app", "--tsconfig", "alternative.json", "--alias", "place:./src/place.ts"],
    ...["--define", "BUILT:1"],
  ]);
  onTestFinished(() => dev.stop().then(() => {}));
  expect(JSON.parse((await dev.get("")).body)).toMatchObject({ what: "a path of tsconfig", COLOUR: "blue" });
});

it("serves the static assets of --assets, instead of those of the config", async () => {
  const cwd = testFolder({
    "app/wrangler.toml": `name = "app"\ncompatibility_date = "2026-11-01"\n[assets]\ndirectory = "nowhere"\nnot_found_handling = "404-page"\n`,
    "public/a.txt": "a file",
    "public/404.html": "not here",
  });
  const dev = await startDev(cwd, ["-c", "app/wrangler.toml", "--assets", "public"]);
  onTestFinished(() => dev.stop().then(() => {}));
  expect((await dev.get("", "/a.txt")).body).toBe("a file");
  expect(await dev.get("", "/b.txt")).toMatchObject({ status: 404, body: "not here" });
  expect(dev.running.events.filter(({ reason }) => reason === "warning")).toEqual([]);
});

it("adds static assets to a config that has none", async () => {
  const cwd = testFolder({
    "wrangler.toml": `name = "app"\ncompatibility_date = "2026-11-01"\n`,
    "public/a.txt": "a file",
  });
  const dev = await startDev(cwd, ["--assets", "public"]);
  onTestFinished(() => dev.stop().then(() => {}));
  expect((await dev.get("", "/a.txt")).body).toBe("a file");
  writeFiles(cwd, { "next.txt": "another" });
  const asset = path.join(cwd, "public/a.txt");
  const reload = await dev.reloadAfter(() => renameSync(path.join(cwd, "next.txt"), asset));
  expect(reload).toMatchObject({ services: ["app"], files: expect.arrayContaining([asset]) });
  expect((await dev.get("", "/a.txt")).body).toBe("another");
});

it("warns of flags of wrangler dev that mean nothing here", async () => {
  const ignored = ["--name", "x", "--route", "a.example/*", "--host", "a.example", "--local-upstream", "a.example"];
  const dev = await startDev(`${testFolder({ ...FILES })}/app`, [
    ...["main.ts", "--tsconfig", "alternative.json", "--alias", "place:./src/place.ts", "--define", "BUILT:1"],
    ...["--latest", "--inspector-ip", "127.0.0.1", ...ignored, "--upstream-protocol", "https", "--local"],
  ]);
  onTestFinished(() => dev.stop().then(() => {}));
  const said = dev.running.events.flatMap(({ diagnostic }) => (diagnostic ? [diagnostic.message.split(" ")[0]] : []));
  expect(said.sort()).toEqual(["--host", "--local-upstream", "--name", "--routes", "--upstream-protocol"]);
});

it("shows as much as --log-level says", async () => {
  const cwd = testFolder({
    "troupe.toml": `name = "app"\nmain = "main.ts"\ncompatibility_date = "2026-11-01"\n`,
    "main.ts": `export default { fetch() { console.log("a log"); console.warn("a warning"); console.error("an error"); return new Response("ok"); } };\n`,
  });
  const running = startTroupe(["dev", "--port", String(await freePort()), "--log-level", "warn"], { cwd });
  onTestFinished(() => running.stop().then(() => {}));
  await expect.poll(() => ask(running)).toBe(200);
  await running.output(/an error/);
  expect(running.stdout).toContain("a warning");
  expect(running.stdout).not.toContain("a log");
  expect(running.stdout).not.toContain("GET /");
  expect(running.stdout).not.toContain("ready in");

  async function ask({ child }: RunningTroupe): Promise<number> {
    const port = Number(child.spawnargs[child.spawnargs.indexOf("--port") + 1]);
    return request(port, "localhost").then(
      ({ status }) => status,
      () => 0,
    );
  }
});

it("shows in the graph where a value comes from that is not the config's", async () => {
  const vars = `HIDDEN="a secret"\nCOLOUR="from the file"\nKV="never seen"\n`;
  const cwd = testFolder({
    "troupe.toml": `name = "app"\nmain = "main.ts"\ncompatibility_date = "2026-11-01"\n[vars]\nCOLOUR = "blue"\nSIZE = 3\n[[kv_namespaces]]\nbinding = "KV"\n`,
    "main.ts": `export default { fetch: (request, env) => Response.json([env.COLOUR, env.HIDDEN, env.SIZE, typeof env.KV]) };\n`,
    ".dev.vars": vars,
  });
  const dev = await startDev(cwd, ["--var", "SIZE:4"]);
  onTestFinished(() => dev.stop().then(() => {}));
  expect((await dev.get("")).body).toBe('["from the file","a secret","4","object"]');
  const shown = ({ services }: { services: { bindings: { name: string; describe: string }[] }[] }) =>
    Object.fromEntries(services[0]!.bindings.map(({ name, describe }) => [name, describe]));
  expect(shown(dev.ready.graph)).toEqual({
    COLOUR: "hidden, from .dev.vars",
    SIZE: '"4", from --var',
    KV: "app/KV",
    HIDDEN: "hidden, from .dev.vars",
  });
  const reload = await dev.reloadAfter(() => writeFiles(cwd, { ".dev.vars": `COLOUR="from the file"\n` }));
  expect(Object.keys(shown(reload.graph))).toEqual(["COLOUR", "SIZE", "KV"]);
});

it("takes Hyperdrive's local database from the environment, before files and config", async () => {
  const CONNECTION = (host: string) => `postgres://user:password@${host}.example:5432/db`;
  const cwd = testFolder({
    "wrangler.toml": `name = "app"\nmain = "main.ts"\ncompatibility_date = "2026-11-01"
hyperdrive = [
  { binding = "A", id = "1", localConnectionString = "${CONNECTION("config")}" },
  { binding = "B", id = "2" },
  { binding = "C", id = "3", localConnectionString = "${CONNECTION("config")}" },
]
[secrets]
required = []
`,
    "main.ts": `export default { fetch: (request, env) => Response.json([env.A, env.B, env.C].map(({ database, user, host }) => [database, user])) };\n`,
    ".dev.vars": `CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_A="postgres://file:x@localhost/file"
CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_C="postgres://file:x@localhost/file"\n`,
  });
  const dev = await startDev(cwd, [], {
    env: {
      CLOUDFLARE_HYPERDRIVE_LOCAL_CONNECTION_STRING_A: "postgres://process:x@localhost/a",
      WRANGLER_HYPERDRIVE_LOCAL_CONNECTION_STRING_B: "postgres://process:x@localhost/b",
    },
  });
  onTestFinished(() => dev.stop().then(() => {}));
  expect(JSON.parse((await dev.get("")).body)).toEqual([
    ["a", "process"],
    ["b", "process"],
    ["file", "file"],
  ]);
});

it("writes the types first, with --types", async () => {
  const cwd = testFolder({
    "troupe.toml": `name = "app"\nmain = "main.ts"\ncompatibility_date = "2026-11-01"\n[vars]\nCOLOUR = "blue"\n`,
    "main.ts": `export default { fetch: () => new Response("ok") };\n`,
  });
  const dev = await startDev(cwd, ["--types"]);
  onTestFinished(() => dev.stop().then(() => {}));
  expect(readFileSync(path.join(cwd, "worker-configuration.d.ts"), "utf8")).toContain('COLOUR: "blue"');
});

it("names the .env file that a value is from", async () => {
  const cwd = testFolder({
    "wrangler.toml": `name = "app"\nmain = "main.ts"\ncompatibility_date = "2026-11-01"\n`,
    "main.ts": `export default { fetch: () => new Response("ok") };\n`,
    ".env": `A="1"\nB="1"\n`,
    ".env.local": `B="2"\n`,
  });
  const dev = await startDev(cwd);
  onTestFinished(() => dev.stop().then(() => {}));
  expect(dev.ready.graph.services[0].bindings).toMatchObject([
    { name: "A", describe: "hidden, from .env" },
    { name: "B", describe: "hidden, from .env.local" },
  ]);
});
