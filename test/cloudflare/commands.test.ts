/**
 * Every command about environments against Cloudflare's API, while requests go wrong. The real binary runs once for each
 * command; what is compared with that, or prepares it, runs in this process.
 */
import { afterAll, beforeAll, describe, expect, type TestContext, test } from "vitest";
import { type CliOptions, troupe, troupeJson } from "../support/cli.ts";
import { makeFolder, removeFolder, writeFiles } from "../support/files.ts";
import { troupeHere, troupeJsonHere } from "../support/here.ts";
import type { Cloud } from "./cloud.ts";
import { type CloudServer, type Fault, type Seen, startCloud } from "./server.ts";
import { view } from "./view.ts";

const code = (name: string, n: number) => `export default { fetch: () => new Response("${name} ${n}") };\n`;
const FILES = {
  "troupe.toml": '[workspace]\nmembers = ["*"]\n[pipeline]\nstages = ["staging", "production"]\n',
  "auth/troupe.toml": `name = "auth"
main = "index.js"
compatibility_date = "2026-11-01"
kv_namespaces = [{ binding = "SESSIONS" }]
[env.staging]
`,
  "auth/index.js": code("auth", 1),
  "gateway/troupe.toml": `name = "gateway"
main = "index.js"
compatibility_date = "2026-11-01"
services = [{ binding = "AUTH", service = "auth" }]
[vars]
A = "production"
[env.staging.vars]
A = "staging"
[env.canary]
workers_dev = false
`,
  "gateway/index.js": code("gateway", 1),
};

let account: Cloud;
let cwd: string;

beforeAll(async () => {
  const server = await startCloud();
  cwd = makeFolder(FILES);
  await run(server, ["deploy"]);
  await run(server, ["deploy", "--env", "staging"]);
  await run(server, ["deploy", "--env", "canary", "--service", "gateway"]);
  await run(server, ["secret", "put", "TOKEN", "--service", "auth"], { input: "s3cret" });
  writeFiles(cwd, { "gateway/index.js": code("gateway", 2) });
  await run(server, ["deploy", "--env", "staging"]);
  await run(server, ["deploy", "--env", "canary", "--service", "gateway", "--percentage", "10"]);
  writeFiles(cwd, { "gateway/index.js": code("gateway", 3) });
  account = server.cloud;
  await server.close();
}, 60_000);

afterAll(() => removeFolder(cwd));

/** An account of the test's own: commands wait before they try again, and so several tests go on meanwhile. */
async function open({ onTestFinished }: TestContext): Promise<CloudServer> {
  const server = await startCloud();
  onTestFinished(() => server.close());
  server.cloud = account.copy();
  return server;
}

function options(server: CloudServer, more: CliOptions): CliOptions {
  return { cwd, ...more, env: { ...server.env, CI: "true", ...more.env } };
}

function run(server: CloudServer, args: string[], more: CliOptions = {}): Promise<unknown> {
  return troupeJsonHere([...args, "--target", "cloudflare"], options(server, more));
}

function runBinary(server: CloudServer, args: string[], more: CliOptions = {}): Promise<unknown> {
  return troupeJson([...args, "--target", "cloudflare"], options(server, more));
}

const BUSY: Fault = { status: 429, headers: { "retry-after": "0" } };
const isWrite = (method: string) => method !== "GET";

/** The next fault for each second request, so that none is met twice on end: that would be tried again after a longer wait. */
function everyOther(faultsFor: (seen: Seen) => Fault[]): (seen: Seen) => Fault | undefined {
  const counts = new Map<Fault[], number>();
  return (seen) => {
    const faults = faultsFor(seen);
    const count = counts.get(faults) ?? 0;
    counts.set(faults, count + 1);
    return count % 2 === 0 ? faults.shift() : undefined;
  };
}

/** Each makes one request at least that changes something. */
const WRITES: [string, string[], CliOptions?][] = [
  ["deploy", ["deploy"]],
  ["deploy --create", ["deploy", "--env", "pr-7", "--create"]],
  ["env create", ["env", "create", "pr-7", "--service", "gateway"]],
  ["env clone", ["env", "clone", "staging", "pr-7", "--graph"]],
  ["env promote", ["env", "promote", "staging", "--graph"]],
  ["env rename", ["env", "rename", "staging", "test", "--service", "gateway"]],
  ["env delete", ["env", "delete", "staging", "--graph", "--yes", "--resources"]],
  ["env protect", ["env", "protect", "production", "--service", "gateway"]],
  ["env set", ["env", "set", "staging", "vars.B=1", "--service", "gateway"]],
  ["rollback", ["rollback", "--env", "staging", "--service", "gateway"]],
  ["rollout", ["rollout", "50", "--env", "canary", "--service", "gateway"]],
  ["rollout complete", ["rollout", "complete", "--env", "canary", "--service", "gateway"]],
  ["rollout abort", ["rollout", "abort", "--env", "canary", "--service", "gateway"]],
  ["secret put", ["secret", "put", "KEY", "--service", "gateway"], { input: "k3y" }],
  ["secret delete", ["secret", "delete", "TOKEN", "--service", "auth"]],
];

const READS: [string, string[]][] = [
  ["env list", ["env", "list"]],
  ["env show", ["env", "show", "staging", "--service", "auth"]],
  ["env diff", ["env", "diff", "staging", "production", "--service", "gateway"]],
  ["versions list", ["versions", "list", "--service", "gateway"]],
  ["versions show", ["versions", "show", "--service", "gateway"]],
  ["versions diff", ["versions", "diff", "1", "2", "--env", "staging", "--service", "gateway"]],
  ["deployments list", ["deployments", "list"]],
  ["secret list", ["secret", "list", "--service", "auth"]],
  ["pipeline", ["pipeline"]],
  ["deploy --dry-run", ["deploy", "--dry-run"]],
];

describe.concurrent.each(WRITES)("%s", (_name, args, more = {}) => {
  test("changes nothing without the permission, and says what to do", async (context) => {
    const server = await open(context);
    const before = view(server.cloud);
    server.fault = ({ method }) => (isWrite(method) ? { status: 403, code: 10000 } : undefined);
    const {
      code: exit,
      stdout,
      stderr,
    } = await troupeHere([...args, "--target", "cloudflare", "--json"], options(server, more));
    expect(exit, stderr).toBe(7);
    expect(stdout).toBe("");
    const { error } = JSON.parse(stderr.trim().split("\n").at(-1)!);
    expect(error.code).toBe("AUTH");
    expect(error.notes.join("\n")).toMatch(/\(HTTP 403\)[\s\S]*troupe whoami/);
    expect(view(server.cloud)).toEqual(before);
  });

  test("comes to the same when answers are lost, and the API is busy", async (context) => {
    const server = await open(context);
    await run(server, args, more);
    const wanted = view(server.cloud);
    server.cloud = account.copy();
    const writes: Fault[] = ["after", BUSY, { status: 502 }];
    const reads: Fault[] = [BUSY, "before"];
    server.fault = everyOther(({ method }) => (isWrite(method) ? writes : reads));
    await runBinary(server, args, more);
    expect(writes.length).toBeLessThan(3);
    expect(view(server.cloud)).toEqual(wanted);
  });
});

describe.concurrent.each(READS)("%s", (_name, args) => {
  test("reads on through faults, and changes nothing", async (context) => {
    const server = await open(context);
    const plain = await run(server, args);
    const faults: Fault[] = ["before", { status: 500 }, BUSY];
    server.fault = everyOther(() => faults);
    expect(await runBinary(server, args)).toEqual(plain);
    expect(server.seen.filter(({ method }) => isWrite(method))).toEqual([]);
  });

  test("says so when the token is not good", async (context) => {
    const server = await open(context);
    server.fault = () => ({ status: 401, code: 10000 });
    const {
      code: exit,
      stdout,
      stderr,
    } = await troupeHere([...args, "--target", "cloudflare", "--json"], options(server, {}));
    expect({ exit, stdout }).toEqual({ exit: 7, stdout: "" });
    expect(JSON.parse(stderr).error).toMatchObject({ code: "AUTH", notes: [expect.any(String), expect.any(String)] });
  });
});

test.concurrent("an API that is down is an error after five attempts, with what to do", async (context) => {
  const server = await open(context);
  server.fault = () => ({ status: 503 });
  const { code: exit, stderr } = await troupe(["env", "list", "--target", "cloudflare"], options(server, {}));
  expect(exit).toBe(8);
  expect(stderr).toContain("Run the same command again");
  expect(server.seen).toHaveLength(5);
});

test.concurrent("an API that wants much patience is told at once", async (context) => {
  const server = await open(context);
  server.fault = () => ({ status: 429, headers: { "retry-after": "600" } });
  const { code: exit, stderr } = await troupe(["env", "list", "--target", "cloudflare"], options(server, {}));
  expect(exit).toBe(8);
  expect(stderr).toContain("wait 600 seconds");
  expect(server.seen).toHaveLength(1);
});
