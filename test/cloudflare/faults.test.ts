/**
 * Each single request of a deploy of three services goes wrong once, and then for good: afterwards the graph is entirely old or
 * entirely new, and running the same again completes it.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeFolder, removeFolder } from "../support/files.ts";
import { Cloud } from "./cloud.ts";
import { deployPrepared, type Prepared, prepareOurs } from "./ours.ts";
import { type CloudServer, type Fault, type Seen, startCloud } from "./server.ts";
import { view } from "./view.ts";

/** gateway → auth → users, in two states of their sources; gateway and auth also bind each other. */
function files(generation: number): Record<string, string> {
  const code = (name: string, more = "") =>
    `${more}\nexport default { fetch: () => new Response("${name} ${generation}"), queue() {}, scheduled() {} };\n`;
  const date = 'compatibility_date = "2026-11-01"\nmain = "index.js"\n';
  return {
    "troupe.toml": '[workspace]\nmembers = ["*"]\n',
    "gateway/index.js": code("gateway"),
    "gateway/public/index.html": `<h1>${generation}</h1>`,
    "gateway/troupe.toml": `name = "gateway"\n${date}routes = ["shop.example.com/v${generation}/*"]
services = [{ binding = "AUTH", service = "auth" }, { binding = "USERS", service = "users" }]
assets = { directory = "public" }
[vars]
GENERATION = ${generation}
`,
    "auth/index.js": code("auth"),
    "auth/troupe.toml": `name = "auth"\n${date}kv_namespaces = [{ binding = "SESSIONS" }]
services = [{ binding = "USERS", service = "users" }, { binding = "GATEWAY", service = "gateway" }]
triggers = { crons = ["${generation} * * * *"] }
`,
    "users/index.js": code(
      "users",
      'import { WorkflowEntrypoint } from "cloudflare:workers";\nexport class Order extends WorkflowEntrypoint {}',
    ),
    "users/troupe.toml": `name = "users"\n${date}workers_dev = ${generation === 1}
workflows = [{ binding = "ORDERS", name = "orders", class_name = "Order", limits = { steps = ${generation} } }]
[queues]
producers = [{ binding = "JOBS", queue = "jobs" }]
consumers = [{ queue = "jobs", max_batch_size = ${generation} }]
`,
  };
}

let server: CloudServer;
const folders: string[] = [];
const builds: Prepared[] = [];

beforeAll(async () => {
  server = await startCloud();
  for (const generation of [1, 2]) {
    folders.push(makeFolder(files(generation)));
    builds.push(await prepareOurs(folders.at(-1)!));
  }
});
afterAll(async () => {
  await server.close();
  for (const folder of folders) removeFolder(folder);
});

type View = ReturnType<typeof view>;

interface Scenario {
  before: Cloud;
  build: Prepared;
  old: View;
  new: View;
  seen: Seen[];
}

/** Runs it once without any fault. */
async function scenario(before: Cloud, build: Prepared): Promise<Scenario> {
  server.cloud = before.copy();
  server.fault = undefined;
  server.forget();
  await deployPrepared(server, build);
  return { before, build, old: view(before), new: view(server.cloud), seen: [...server.seen] };
}

/**
 * @param again whether it is run a second time though the first one came to its end
 * @returns "old" or "new"; anything between fails the test
 */
async function runWith(
  { before, build, ...views }: Scenario,
  fault: (seen: Seen) => Fault | undefined,
  what: string,
  again = true,
): Promise<"old" | "new"> {
  server.cloud = before.copy();
  server.forget();
  server.fault = fault;
  const error = await deployPrepared(server, build).then(
    () => undefined,
    (thrown) => thrown,
  );
  server.fault = undefined;
  const found = view(server.cloud);
  if (error) {
    expect(found, `${what}: ${error.stack}\n${error.notes?.join("\n")}`).toEqual(views.old);
    expect(error, what).toMatchObject({ code: expect.stringMatching(/UNREACHABLE|AUTH/) });
    expect(error.notes.join("\n"), what).toMatch(/Everything is as it was before|No Worker was changed/);
  } else {
    expect(found, what).toEqual(views.new);
  }
  if (error || again) {
    await deployPrepared(server, build);
    expect(view(server.cloud), `${what}, and then again`).toEqual(views.new);
  }
  const titles = server.cloud.kv.map(({ title }) => title);
  expect(new Set(titles).size, what).toBe(titles.length);
  return error ? "old" : "new";
}

/** Hundreds of deploys. In ms. */
const LONG = { timeout: 300_000 };

const ONCE: Fault[] = [{ status: 500 }, { status: 429, headers: { "retry-after": "0" } }, "before", "after", "half"];

describe.each(["the first deploy", "the second"])("%s of three services", (which) => {
  let base: Scenario;
  beforeAll(async () => {
    const first = await scenario(new Cloud(), builds[0]!);
    base = which === "the first deploy" ? first : await scenario(server.cloud, builds[1]!);
  });

  test("is one that has something to do everywhere", () => {
    expect(base.old).not.toEqual(base.new);
    expect(Object.keys(base.new)).toEqual(["auth", "gateway", "users"]);
    expect(base.seen.length).toBeGreaterThan(30);
  });

  test("ends new when a request fails once, whichever it is", LONG, async () => {
    for (const { number, method, path } of base.seen) {
      const faults = method === "GET" ? [ONCE[number % ONCE.length]!] : ONCE;
      for (const each of faults) {
        const what = `${JSON.stringify(each)} at ${number}: ${method} ${path}`;
        const fault = (seen: Seen): Fault | undefined => (seen.number === number ? each : undefined);
        // What was done without its being known could stand in the way of the next run.
        expect(await runWith(base, fault, what, each === "after")).toBe("new");
      }
    }
  });

  test("ends old when what has failed goes on failing", LONG, async () => {
    const results: string[] = [];
    for (const { number, method, path } of base.seen) {
      // As often as it is tried again; the way back may need the same request, and finds it working.
      let refused = 0;
      const fault = (seen: Seen): Fault | undefined =>
        seen.number >= number && seen.method === method && seen.path === path && refused++ < 5
          ? { status: 503 }
          : undefined;
      results.push(await runWith(base, fault, `503 five times from ${number}: ${method} ${path}`));
    }
    expect(results).toContain("old");
  });

  test("ends old when the token loses its permission on the way", LONG, async () => {
    for (const { number, method, path } of base.seen) {
      if (method === "GET") continue;
      const fault = (seen: Seen): Fault | undefined =>
        seen.number === number ? { status: 403, code: 9109 } : undefined;
      expect(await runWith(base, fault, `403 at ${number}: ${method} ${path}`)).toBe("old");
    }
  });

  test("is completed by the next run when it is killed", LONG, async () => {
    for (const { number } of base.seen) {
      server.cloud = base.before.copy();
      server.forget();
      // Nothing from that one on has any effect, nor has any attempt to put things back.
      server.fault = (seen) => (seen.number >= number ? { status: 403, code: 10000 } : undefined);
      await expect(deployPrepared(server, base.build)).rejects.toMatchObject({ code: "AUTH" });
      server.fault = undefined;
      await deployPrepared(server, base.build);
      expect(view(server.cloud), `killed at ${number}`).toEqual(base.new);
    }
  });
});
