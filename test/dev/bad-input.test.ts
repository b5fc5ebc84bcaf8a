/** Each kind of bad input has an error or a warning of its own, with the right exit code. */
import { chmodSync, mkdirSync } from "node:fs";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { type DevEvent, startDev as startHere } from "../../src/ops/dev/index.ts";
import { type CliEvent, type CliResult, type RunningTroupe, startTroupe, troupe } from "../support/cli.ts";
import { type Dev, ready, request, startDev } from "../support/dev.ts";
import { testFolder, writeFiles } from "../support/files.ts";
import { troupeHere } from "../support/here.ts";
import { freePort } from "../support/port.ts";

const OK = `export default { fetch: () => new Response("ok") };\n`;
const CONFIG = `name = "app"\nmain = "src/index.ts"\ncompatibility_date = "2026-11-01"\n`;

/** Runs `dev` where it is expected to refuse: its exit code and its error as JSON. */
async function refused(cwd: string, args: string[] = []) {
  const result: CliResult = await troupeHere(["dev", "--json", "--port", "0", ...args], { cwd });
  expect(result.stdout).toBe("");
  return { code: result.code, error: JSON.parse(result.stderr.trim().split("\n").at(-1)!).error };
}

async function dev(cwd: string, args: string[] = []): Promise<Dev> {
  const started = await startDev(cwd, args);
  onTestFinished(() => started.stop().then(() => {}));
  return started;
}

/** `dev` that has nothing to serve yet, and waits for a change. */
async function waiting(cwd: string): Promise<{ running: RunningTroupe; event: CliEvent; port: number }> {
  const port = await freePort();
  const running = startTroupe(["dev", "--json", "--port", String(port)], { cwd });
  onTestFinished(() => running.stop().then(() => {}));
  return { running, port, event: await running.event((event) => event.reason === "build-error") };
}

/** Resolves when somebody takes connections there. */
async function listening(port: number): Promise<void> {
  const { connect } = await import("node:net");
  const taken = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("error", () => resolve(false));
      socket.once("connect", () => resolve(socket.destroy() !== undefined));
    });
  while (!(await taken())) await new Promise((resolve) => setTimeout(resolve, 20));
}

it("starts although a bound service is missing, and a database; asking it says so", async () => {
  const cwd = testFolder({
    "troupe.toml": `${CONFIG}\n[[services]]\nbinding = "USERS"\nservice = "users"\n[[hyperdrive]]\nbinding = "DB"\nid = "db"\n`,
    "src/index.ts": `export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === "/rpc") return new Response(String(await env.USERS.find("ada").catch((error) => error)));
    return env.USERS.fetch(request);
  },
};\n`,
  });
  const running = await dev(cwd);
  const warning = await running.next("warning", 0);
  expect(warning.diagnostic.message).toContain("users");
  expect(warning.diagnostic.location).toMatchObject({ file: path.join(cwd, "troupe.toml"), line: 5 });
  // What the runtime says of a binding has its line, too.
  const unconnected = await running.next("warning", 0, ({ diagnostic }) => diagnostic.message.includes("env.DB"));
  expect(unconnected.diagnostic.location).toMatchObject({ file: path.join(cwd, "troupe.toml"), line: 8 });
  const answer = await running.get("");
  expect(answer.status).toBe(503);
  expect(answer.body).toMatch(/"users".*members/);
  expect((await running.get("", "/rpc")).body).toMatch(/"users".*members/);
});

it("names an entrypoint that is not exported", async () => {
  const cwd = testFolder({
    "troupe.toml": `[workspace]\nmembers = ["a", "b"]\n`,
    "a/troupe.toml": `name = "a"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n[[services]]\nbinding = "B"\nservice = "b"\nentrypoint = "Admin"\n`,
    "a/index.ts": `export default { fetch: (request, env) => env.B.fetch(request) };\n`,
    "b/troupe.toml": `name = "b"\nmain = "index.ts"\ncompatibility_date = "2026-11-01"\n`,
    "b/index.ts": OK,
  });
  const running = await dev(cwd);
  const answer = await running.get("");
  expect(answer.status).toBe(503);
  expect(answer.body).toMatch(/"b".*"Admin".*default/);
});

it("waits for a change when the first build fails, and shows the error in the browser", async () => {
  const cwd = testFolder({ "troupe.toml": CONFIG, "src/index.ts": `export default {\n  fetch( { ;\n};\n` });
  const { running, event, port } = await waiting(cwd);
  expect(event).toMatchObject({ phase: "build", stale: false });
  const page = await request(port, "localhost", "/", { headers: { accept: "text/html" } });
  expect(page.status).toBe(500);
  expect(page.headers["content-type"]).toContain("text/html");
  expect(page.body).toContain("src/index.ts:2:");
  expect((await request(port, "localhost")).headers["content-type"]).toContain("text/plain");
  writeFiles(cwd, { "src/index.ts": OK });
  expect((await (await ready(running)).get("")).body).toBe("ok");
});

it("says where a Worker throws at start-up, and starts once that is mended", async () => {
  const cwd = testFolder({
    "troupe.toml": CONFIG,
    "src/index.ts": `import "./settings";\n${OK}`,
    "src/settings.ts": `interface Settings { a: number }\n\nthrow new RangeError("settings are missing");\nexport {};\n`,
  });
  const { running, event } = await waiting(cwd);
  expect(event).toMatchObject({ phase: "start", stale: false });
  expect(event.message).toContain("settings are missing");
  expect(event.diagnostics[0].location).toMatchObject({ file: path.join(cwd, "src/settings.ts"), line: 3 });
  writeFiles(cwd, { "src/settings.ts": "export {};\n" });
  expect((await (await ready(running)).get("")).body).toBe("ok");
});

it("gives up on an endless loop at start-up", async () => {
  const cwd = testFolder({ "troupe.toml": CONFIG, "src/index.ts": `let n = 0;\nwhile (n >= 0) n++;\n${OK}` });
  let failure: DevEvent | undefined;
  let serve = (): void => {};
  const serving = new Promise<void>((resolve) => {
    serve = resolve;
  });
  const onEvent = (event: DevEvent): void => {
    if (event.reason === "build-error") failure ??= event;
    if (event.reason === "ready") serve();
  };
  const server = await startHere({ cwd, port: 0, keepGoing: true, startTimeout: 2_000, processEnv: {}, onEvent });
  onTestFinished(() => server.stop());
  expect(failure).toMatchObject({ phase: "start", stale: false, message: expect.stringContaining("app") });
  writeFiles(cwd, { "src/index.ts": OK });
  await serving;
  expect(await (await server.fetch("/")).text()).toBe("ok");
});

it("lets those who come before the first build is done wait for it", async () => {
  const cwd = testFolder({
    "troupe.toml": `${CONFIG}[build]\ncommand = "while [ ! -f go ]; do sleep 0.02; done"\n`,
    "src/index.ts": OK,
  });
  const port = await freePort();
  const starting = startHere({ cwd, port, watch: false, processEnv: { PATH: process.env.PATH } });
  onTestFinished(async () => (await starting).stop());
  await listening(port);
  const answer = request(port, "localhost");
  writeFiles(cwd, { go: "" });
  expect(await answer).toMatchObject({ status: 200, body: "ok" });
});

it("clamps a compatibility date that is newer than the runtime, with a warning", async () => {
  const cwd = testFolder({ "troupe.toml": CONFIG.replace("2026-11-01", "2099-01-01"), "src/index.ts": OK });
  const running = await dev(cwd);
  const { diagnostic } = await running.next("warning", 0);
  expect(diagnostic.message).toContain("2099-01-01");
  expect(diagnostic.location).toMatchObject({ file: path.join(cwd, "troupe.toml"), line: 3, column: 22 });
  expect((await running.get("")).body).toBe("ok");
});

it("says what to install when node_modules is missing", async () => {
  const cwd = testFolder({
    "troupe.toml": CONFIG,
    "package.json": `{"dependencies":{"hono":"4.0.0"}}`,
    "src/index.ts": `import { Hono } from "hono";\nexport default new Hono();\n`,
  });
  const { event } = await waiting(cwd);
  expect(event.diagnostics[0].message).toContain("hono");
  expect(event.diagnostics[0].notes.join("\n")).toContain("npm install");
});

it("keeps data in memory in a folder that cannot be written", async () => {
  const cwd = testFolder({
    "troupe.toml": `${CONFIG}\n[[kv_namespaces]]\nbinding = "KV"\n`,
    "src/index.ts": `export default { async fetch(request, env) { await env.KV.put("a", "1"); return new Response(await env.KV.get("a")); } };\n`,
    "tmp/.keep": "",
  });
  // Root may write everywhere: then somebody else has to try.
  const isRoot = process.getuid?.() === 0;
  mkdirSync(path.join(cwd, "tmp"), { recursive: true });
  chmodSync(path.join(cwd, "tmp"), 0o777);
  chmodSync(cwd, 0o555);
  onTestFinished(() => chmodSync(cwd, 0o755));
  const nobody = ["--import", "data:text/javascript,process.setgid(65534);process.setuid(65534);"];
  const running = await startDev(cwd, [], {
    ...(isRoot && { nodeArgs: nobody }),
    env: { TMPDIR: path.join(cwd, "tmp"), HOME: path.join(cwd, "tmp") },
  });
  onTestFinished(() => running.stop().then(() => {}));
  expect((await running.next("warning", 0)).diagnostic.message).toMatch(/in memory.*cannot be written/);
  expect((await running.get("")).body).toBe("1");
});

it("refuses an environment that nobody has, and lists those there are", async () => {
  const cwd = testFolder({ "troupe.toml": `${CONFIG}\n[env.staging]\n`, "src/index.ts": OK });
  const { code, error } = await refused(cwd, ["--env", "stagign"]);
  expect(code).toBe(5);
  expect(JSON.stringify(error)).toMatch(/stagign.*staging/);
});

it("refuses to expose a service that does not run", async () => {
  const cwd = testFolder({ "troupe.toml": CONFIG, "src/index.ts": OK });
  const { code, error } = await refused(cwd, ["--expose", "nobody"]);
  expect(code).toBe(5);
  expect(error.message).toBe('There is no service "nobody" to expose');
});

it("refuses a service that the workspace does not have", async () => {
  const cwd = testFolder({ "troupe.toml": CONFIG, "src/index.ts": OK });
  const { code, error } = await refused(cwd, ["-s", "ap"]);
  expect(code).toBe(5);
  expect(JSON.stringify(error)).toContain("app");
});

it("says how to begin where there is no config", async () => {
  const { code, error } = await refused(testFolder());
  expect(code).toBe(3);
  expect(JSON.stringify(error)).toMatch(/troupe\.toml.*troupe init/);
});

it("says where there are services when it is started above them", async () => {
  const files = { "a/troupe.toml": CONFIG, "b/c/wrangler.toml": CONFIG, "node_modules/x/wrangler.toml": CONFIG };
  const { code, error } = await refused(testFolder(files));
  expect(code).toBe(3);
  expect(error.notes[1]).toContain("(a/troupe.toml, b/c/wrangler.toml)");
});

it("ends when nobody watches and nothing can be served", async () => {
  const cwd = testFolder({ "troupe.toml": CONFIG, "src/index.ts": "export default {" });
  const { code, error } = await refused(cwd, ["--no-watch"]);
  expect([code, error.code]).toEqual([4, "BUILD"]);
});

it("refuses a port that is taken", async () => {
  const cwd = testFolder({ "troupe.toml": CONFIG, "src/index.ts": OK });
  const running = await dev(cwd);
  const { code, stderr } = await troupe(["dev", "--port", String(running.port)], { cwd });
  expect(code).toBe(6);
  expect(stderr).toContain(`Port ${running.port} is in use by process ${running.running.child.pid} (`);
});

it.each([
  ["troupe.toml", ""],
  ["wrangler.jsonc", ""],
  ["wrangler.toml", ""],
])("refuses an empty %s", async (file, text) => {
  const { code, error } = await refused(testFolder({ [file]: text }));
  expect(code).toBe(3);
  expect(JSON.stringify(error)).toContain(file);
});

it.each([
  ["troupe.toml", `${CONFIG}vars = = 1\n`, 4],
  ["wrangler.jsonc", `{\n  "name": "app",\n  "main": \n}\n`, 4],
])("shows where the syntax of %s is wrong", async (file, text, line) => {
  const { code, error } = await refused(testFolder({ [file]: text, "src/index.ts": OK }));
  expect(code).toBe(3);
  expect(path.basename(error.location.file)).toBe(file);
  expect(error.location.line).toBe(line);
});

it("refuses two bindings with one name, a wrong type and an unknown key at once", async () => {
  const text = `${CONFIG}workers_dev = "no"\nvariables = {}\n[vars]\nA = "1"\n[[kv_namespaces]]\nbinding = "A"\n`;
  const { code, error } = await refused(testFolder({ "troupe.toml": text, "src/index.ts": OK }));
  expect(code).toBe(3);
  const said = JSON.stringify(error);
  for (const word of ["workers_dev", "variables", '\\"A\\"']) expect(said).toContain(word);
});

it("refuses a main that is not there", async () => {
  const { code, error } = await refused(testFolder({ "troupe.toml": CONFIG }));
  expect([3, 4]).toContain(code);
  expect(error.message).toContain("src/index.ts");
});

it("refuses to run static assets without a folder, which others may read", async () => {
  const text = `${CONFIG}[assets]\nnot_found_handling = "none"\n`;
  const cwd = testFolder({ "wrangler.toml": text, "src/index.ts": OK });
  const { code, error } = await refused(cwd);
  expect(code).toBe(3);
  expect(error).toMatchObject({ message: "`assets` has no `directory`.", location: { line: 4 } });
  expect((await troupeHere(["bindings"], { cwd })).code).toBe(0);
  const checked = await troupeHere(["bindings", "check"], { cwd });
  expect(checked.code).toBe(3);
  expect(checked.stderr + checked.stdout).toContain("`assets` has no `directory`.");
});

it("warns of more variables than the platform takes, at the first that is too many", async () => {
  const vars = Array.from({ length: 65 }, (_, index) => `V${index} = "1"\n`).join("");
  const cwd = testFolder({ "troupe.toml": `${CONFIG}[vars]\n${vars}`, "src/index.ts": OK });
  const { code, stderr } = await troupeHere(["bindings"], { cwd });
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /app@production has 65 variables and secrets; the platform allows 128, and 64 on its free plan/,
  );
  expect(stderr).toContain("troupe.toml:69:");
});

it("says which export is no entrypoint, in words of its own", async () => {
  const cwd = testFolder({
    "troupe.toml": CONFIG,
    "src/index.ts": `${OK}const a = 1, b = 2;\nexport { a as limit };\nexport function f() { return b; }\n`,
  });
  const { event } = await waiting(cwd);
  expect(event).toMatchObject({ phase: "start", message: expect.stringContaining('app exports "limit"') });
  expect(event.diagnostics[0].location).toMatchObject({ file: path.join(cwd, "src/index.ts"), line: 3, column: 15 });
});

it("points at a compatibility flag that there is not", async () => {
  const cwd = testFolder({ "troupe.toml": `${CONFIG}compatibility_flags = ["nodejs_compatt"]\n`, "src/index.ts": OK });
  const { event } = await waiting(cwd);
  expect(event.message).toContain("nodejs_compatt");
  expect(event.diagnostics[0].location).toMatchObject({ file: path.join(cwd, "troupe.toml"), line: 4 });
});

it("refuses an address that is not this machine's", async () => {
  const cwd = testFolder({ "troupe.toml": CONFIG, "src/index.ts": OK });
  const { code, error } = await refused(cwd, ["--ip", "192.0.2.1"]);
  expect(code).toBe(2);
  expect(error.message).toContain("192.0.2.1 is no address of this machine");
});
