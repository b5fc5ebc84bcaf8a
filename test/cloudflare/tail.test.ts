/** `troupe tail` with the real binary, against a server that really speaks WebSocket. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type RunningTroupe, startTroupe, troupe } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";
import { WRANGLER } from "../support/wrangler.ts";
import type { Cloud, CloudScript } from "./cloud.ts";
import { type CloudServer, testCloud } from "./server.ts";

const TIME = Date.UTC(2026, 10, 21, 9, 30);
const ISO = "2026-11-21T09:30:00.000Z";

let server: CloudServer;

beforeEach(async () => {
  server = await testCloud();
  for (const name of ["gateway", "gateway-staging", "auth"]) has(server.cloud, name);
});

function has(cloud: Cloud, id: string): void {
  const script: CloudScript = {
    id,
    tags: id === "gateway-staging" ? ["cf:service=gateway", "cf:environment=staging"] : [],
    classes: new Set(),
    versions: [],
    deployments: [],
    subdomain: { enabled: true, previews_enabled: false },
    schedules: [],
    routes: [],
    settings: {},
    created_on: ISO,
  };
  cloud.scripts.set(id, script);
}

function start(args: string[], cwd = testFolder()): RunningTroupe {
  const running = startTroupe(["tail", "--target", "cloudflare", ...args], { cwd, env: server.env });
  onTestFinished(async () => void (await running.stop("SIGKILL")));
  return running;
}

const ready = (running: RunningTroupe, after = 0) => running.event(({ reason }) => reason === "ready", after);

function request(more: Record<string, unknown> = {}) {
  return {
    outcome: "ok",
    scriptName: "gateway",
    scriptVersion: { id: "0f0e" },
    eventTimestamp: TIME,
    wallTime: 12.4,
    cpuTime: 3,
    logs: [],
    exceptions: [],
    event: { request: { url: "https://shop.example.com/cart?id=7", method: "GET" }, response: { status: 200 } },
    ...more,
  };
}

describe("what it tells", () => {
  test("requests, logs and exceptions, as lines of JSON", async () => {
    const running = start(["gateway", "--json"]);
    expect(await ready(running)).toMatchObject({
      service: "gateway",
      environment: "production",
      script: "gateway",
      again: false,
      expiresAt: expect.stringMatching(/^20\d\d-/),
    });
    server.tell(
      "gateway",
      request({
        outcome: "exception",
        logs: [
          { level: "log", message: ["%d items", 3, { a: [1] }], timestamp: TIME },
          {
            level: "error",
            message: ["Error: no"],
            timestamp: TIME,
            errorInfo: [{ name: "Error", message: "no", stack: "Error: no\n    at check (src/auth.ts:3:9)" }],
          },
        ],
        exceptions: [{ name: "TypeError", message: "boom", stack: "    at fetch (src/index.ts:4:2)", timestamp: TIME }],
      }),
    );
    await running.event(({ reason }) => reason === "exception");
    const common = { service: "gateway", environment: "production" };
    expect(running.events.slice(1)).toEqual([
      {
        reason: "request",
        ...common,
        method: "GET",
        path: "/cart?id=7",
        url: "https://shop.example.com/cart?id=7",
        status: 200,
        outcome: "exception",
        time: ISO,
        ms: 12.4,
        cpuMs: 3,
        versionId: "0f0e",
      },
      { reason: "log", ...common, level: "log", message: "3 items { a: [ 1 ] }", time: ISO },
      {
        reason: "log",
        ...common,
        level: "error",
        message: "Error: no\n    at check (src/auth.ts:3:9)",
        time: ISO,
      },
      {
        reason: "exception",
        ...common,
        name: "TypeError",
        message: "boom",
        stack: "    at fetch (src/index.ts:4:2)",
        time: ISO,
      },
    ]);
    const { code, stdout } = await running.stop();
    expect(code).toBe(130);
    expect(JSON.parse(stdout.trim().split("\n").at(-1)!)).toEqual({ reason: "exit" });
    expect(server.heard).toEqual(['{"debug":false}']);
  });

  const kinds: [string, Record<string, unknown>, Record<string, unknown>, string][] = [
    [
      "a cron",
      { cron: "*/5 * * * *", scheduledTime: TIME },
      { reason: "scheduled", cron: "*/5 * * * *" },
      "scheduled */5 * * * * ok",
    ],
    ["an alarm", { scheduledTime: ISO }, { reason: "alarm", scheduledTime: ISO }, "alarm ok"],
    [
      "a batch of a queue",
      { queue: "jobs", batchSize: 2 },
      { reason: "queue", queue: "jobs", messages: 2 },
      "queue jobs 2 messages ok",
    ],
    [
      "an email",
      { mailFrom: "a@x.test", rcptTo: "b@x.test", rawSize: 90 },
      { reason: "email", from: "a@x.test", to: "b@x.test", size: 90 },
      "email from a@x.test to b@x.test (90 bytes) ok",
    ],
    ["a call", { rpcMethod: "check" }, { reason: "rpc", entrypoint: "Api", method: "check" }, "Api.check ok"],
    [
      "another tail",
      { consumedEvents: [{ scriptName: "auth" }, { scriptName: null }, { scriptName: "auth" }] },
      { reason: "tail", of: ["auth"] },
      "tail of auth ok",
    ],
    ["something new", {}, { reason: "invocation", entrypoint: "Api" }, "Api ok"],
  ];

  test("every way to call a Worker", async () => {
    const running = start(["gateway", "--json"]);
    const people = start(["gateway"]);
    await ready(running);
    await people.output(/Connected to gateway/);
    for (const [, event] of kinds) server.tell("gateway", request({ event, entrypoint: "Api", wallTime: undefined }));
    await running.event(({ reason }) => reason === "invocation");
    expect(running.events.slice(1)).toMatchObject(kinds.map(([, , expected]) => ({ outcome: "ok", ...expected })));
    await people.output(/\[gateway\] Api ok/);
    expect(people.stdout.trim().split("\n")).toEqual(kinds.map(([, , , line]) => `[gateway] ${line}`));
  });

  test("a person sees what dev would show, and nothing that could move the cursor", async () => {
    const running = start(["gateway", "-e", "staging"]);
    await running.output(/Connected to gateway-staging/);
    server.tell("gateway-staging", request());
    server.tell(
      "gateway-staging",
      request({ outcome: "exceededCpu", event: { request: { url: "https://a/b", method: "POST" } } }),
    );
    server.tell(
      "gateway-staging",
      request({
        outcome: "exception",
        event: null,
        logs: [{ level: "warn", message: ["one\ntwo\u001b[2J"], timestamp: TIME }],
        exceptions: [{ name: "Error", message: "boom", stack: "    at fetch (src/index.ts:4:2)", timestamp: TIME }],
      }),
    );
    await running.output(/at fetch/);
    const { stdout, stderr } = await running.stop();
    const name = "[gateway@staging]";
    expect(stdout.split("\n")).toEqual([
      `${name} GET /cart?id=7 200 12 ms`,
      `${name} POST /b took more CPU time than allowed 12 ms`,
      `${name} called threw 12 ms`,
      `${name} ▲ one`,
      `${name}   two\\u001b[2J`,
      `${name} ✖ Uncaught Error: boom`,
      `${name}   at fetch (src/index.ts:4:2)`,
      "",
    ]);
    expect(stderr).toBe("Connected to gateway-staging\n");
  });

  test("the network's own words with --format json, one line each", async () => {
    const running = start(["gateway", "--format", "json"]);
    await running.output(/Connected to gateway/);
    const trace = request({ logs: [{ level: "log", message: ["hi"], timestamp: TIME }] });
    server.tell("gateway", trace);
    server.tell("gateway", trace);
    await running.output(/\n.*\n/);
    const { stdout } = await running.stop();
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([trace, trace]);
  });

  test("that there is more than a tail can carry, and what is no JSON not at all", async () => {
    const running = start(["gateway", "--json"]);
    await ready(running);
    server.tell("gateway", "{");
    server.tell("gateway", { event: { type: "overload", message: "Tail is sampling" }, outcome: "unknown" });
    server.tell("gateway", { event: { type: "overload-stop", message: "Tail is whole again" }, outcome: "unknown" });
    await running.event(({ over }) => over === true);
    expect(running.events.slice(1)).toMatchObject([
      { reason: "overload", message: "Tail is sampling", over: false },
      { reason: "overload", message: "Tail is whole again", over: true },
    ]);
  });

  test("all services of a workspace, those of them that are deployed", async () => {
    const cwd = testFolder({
      "troupe.toml": '[workspace]\nmembers = ["*"]\n',
      ...Object.fromEntries(
        ["gateway", "auth", "later"].flatMap((name) => [
          [`${name}/troupe.toml`, `name = "${name}"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n`],
          [`${name}/index.js`, "export default {}"],
        ]),
      ),
    });
    const running = start(["--json"], cwd);
    await ready(running);
    await ready(running, 1);
    server.tell("auth", request());
    expect(await running.event(({ reason }) => reason === "request")).toMatchObject({ service: "auth" });
    expect(server.cloud.tails.map(({ script }) => script).sort()).toEqual(["auth", "gateway"]);
    await running.stop();
    expect(server.cloud.tails).toEqual([]);
  });
});

test("sends the filters that Wrangler sends", async () => {
  const flags = [
    "--status",
    "error",
    "--status",
    "ok",
    "--method",
    "GET",
    "--method",
    "PUT",
    "--header",
    "x-test: a:b",
  ];
  flags.push("--ip", "self", "--ip", "10.0.0.1", "--search", "cart", "--sampling-rate", "0.25", "--version-id", "0f0e");
  const running = start(["gateway", "--json", ...flags]);
  await ready(running);
  const [ours] = server.cloud.tails;
  await running.stop();
  expect(server.refused).toEqual([]);
  const cwd = testFolder();
  const theirs = spawn(process.execPath, ["--no-warnings", WRANGLER, "tail", "gateway", "--format", "json", ...flags], {
    cwd,
    env: { ...process.env, ...server.env, CI: "1", WRANGLER_SEND_METRICS: "false", XDG_CONFIG_HOME: cwd },
    stdio: "ignore",
  });
  const ended = once(theirs, "exit");
  onTestFinished(async () => {
    theirs.kill("SIGKILL");
    await ended;
  });
  await expect.poll(() => server.cloud.tails[0]?.filters).toEqual(ours!.filters);
  expect(ours!.filters).toHaveLength(7);
  // It has connected and sent its first message, before it is killed. Refused, it connects again, so there may be more by now.
  await expect.poll(() => server.refused).not.toEqual([]);
});

describe("when the connection is lost", () => {
  test("opens it again, and leaves none open", async () => {
    const running = start(["gateway", "--json"]);
    await ready(running);
    server.hangUp();
    expect(await running.event(({ reason }) => reason === "lost")).toMatchObject({ service: "gateway" });
    expect(await ready(running, 2)).toMatchObject({ again: true });
    expect(server.cloud.tails).toHaveLength(1);
    server.tell("gateway", request());
    await running.event(({ reason }) => reason === "request");
    const { code } = await running.stop();
    expect(code).toBe(130);
    expect(server.cloud.tails).toEqual([]);
  });

  test("also when the network is closed for a while", async () => {
    const running = start(["gateway", "--json"]);
    await ready(running);
    let refused = 0;
    server.fault = ({ method }) => (method === "POST" && refused++ < 2 ? { status: 503 } : undefined);
    server.hangUp(1011);
    expect(await ready(running, 2)).toMatchObject({ again: true });
    await running.stop();
    expect(refused).toBe(3);
  });

  test("goes on with a new one when it has expired, and ends when the network ends it", async () => {
    server.cloud.tailLife = 0;
    const running = start(["gateway", "--json"]);
    await ready(running);
    server.cloud.tailLife = 3_600_000;
    server.hangUp(1000);
    expect(await ready(running, 1)).toMatchObject({ again: true });
    expect(running.events.map(({ reason }) => reason)).toEqual(["ready", "ready"]);
    server.hangUp(1000);
    const { code } = await running.finished;
    expect(code).toBe(0);
    expect(server.cloud.tails).toEqual([]);
  });

  test("ends when what it tails is deleted", async () => {
    const running = start(["gateway", "--json"]);
    await ready(running);
    server.cloud.scripts.delete("gateway");
    server.hangUp();
    const { code, stderr } = await running.finished;
    expect(code).toBe(5);
    expect(JSON.parse(stderr).error.message).toContain("service gateway@production: ");
  });

  test("gives up after a while", async () => {
    const running = start(["gateway", "--json"]);
    await ready(running);
    // Connections are refused from now on, the API answers.
    const known = server.cloud.tails;
    Object.defineProperty(server.cloud, "tails", { get: () => known, set: () => {} });
    known.push = () => 0;
    server.hangUp();
    const { code, stderr } = await running.finished;
    expect(code).toBe(8);
    expect(JSON.parse(stderr).error).toMatchObject({
      code: "UNREACHABLE",
      notes: [expect.stringContaining("401"), expect.any(String)],
    });
    expect(running.events.filter(({ reason }) => reason === "lost").map(({ ms }) => ms)).toEqual([
      250, 1000, 2000, 4000, 8000,
    ]);
  });
});

test("ends at once with Ctrl-C, though nobody answers", async () => {
  const running = start(["gateway", "--json"]);
  await ready(running);
  server.fault = () => ({ slow: 60_000 });
  const { code } = await running.stop();
  expect(code).toBe(130);
});

describe("refuses", () => {
  const run = (args: string[], env: Record<string, string | undefined> = server.env) =>
    troupe(["tail", ...args, "--json"], { cwd: testFolder(), env });
  const error = (stderr: string) => JSON.parse(stderr).error;

  test("what is on this machine, and says where to look", async () => {
    const { code, stderr } = await run(["gateway"]);
    expect(code).toBe(2);
    expect(error(stderr)).toMatchObject({
      message: expect.stringContaining("troupe serve"),
      notes: [expect.any(String), "For Cloudflare's network: troupe tail --target cloudflare"],
    });
  });

  test("a Worker that there is not, with what was probably meant", async () => {
    const { code, stderr } = await run(["gatewy", "--target", "cloudflare"]);
    expect(code).toBe(5);
    expect(error(stderr)).toMatchObject({
      code: "NOT_FOUND",
      message: "There is no environment gatewy@production on Cloudflare",
    });
    const staging = await run(["auth", "--env", "stagin", "--target", "cloudflare"]);
    expect(error(staging.stderr)).toMatchObject({ code: "NOT_FOUND" });
  });

  test.each([
    [["--sampling-rate", "2"], /between 0 and 1/],
    [["--status", "bad"], /--status takes ok, error or canceled/],
    [["--format", "xml"], /--format takes pretty or json/],
  ])("%s", async (flags, message) => {
    const { code, stderr } = await run(["gateway", "--target", "cloudflare", ...flags]);
    expect(code).toBe(2);
    expect(error(stderr).message).toMatch(message);
  });

  test("to guess which service is meant, and a version that there is not", async () => {
    const unknown = await run(["--target", "cloudflare"]);
    expect(error(unknown.stderr)).toMatchObject({ code: "USAGE", message: expect.stringContaining("Which service") });
    const version = await run(["gateway", "--target", "cloudflare", "--version-id", "7"]);
    expect(error(version.stderr)).toMatchObject({ code: "NOT_FOUND", message: "gateway@production has no version 7" });
    expect(server.cloud.tails).toEqual([]);
  });

  test("without a token", async () => {
    const env = { ...server.env, CLOUDFLARE_API_TOKEN: undefined, XDG_CONFIG_HOME: testFolder() };
    const { code, stderr } = await run(["gateway", "--target", "cloudflare"], env);
    expect(code).toBe(7);
    expect(error(stderr).code).toBe("AUTH");
  });
});
