/** `troupe deploy` as people and scripts run it. */
import { execFileSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { troupeJson as binary, type CliOptions, type CliResult } from "../support/cli.ts";
import { testFolder, writeFiles } from "../support/files.ts";
import { troupeHere as troupe, troupeJsonHere as troupeJson } from "../support/here.ts";
import { deployShop, ROOT_CONFIG, selectionOf, serviceFile, shopFiles } from "../targets/shop.ts";
import { readWhole } from "./whole.ts";
import { buildWithoutTrial } from "./without-trial.ts";

interface Deployment {
  service: string;
  environment: string;
  version: number;
  changed: boolean;
  changes: string[];
}

const HEAD = 'compatibility_date = "2026-11-01"\n';
const EMPTY = 'export default { fetch: () => new Response("ok") };\n';

/** Services of a workspace: name → config below the usual head, and code. */
function workspace(services: Record<string, { config?: string; code?: string }>): string {
  return testFolder({
    "troupe.toml": ROOT_CONFIG,
    ...Object.fromEntries(
      Object.entries(services).flatMap(([name, { config = "", code = EMPTY }]) => [
        [`services/${name}/troupe.toml`, `name = "${name}"\nmain = "index.js"\n${HEAD}${config}`],
        [`services/${name}/index.js`, code],
      ]),
    ),
  });
}

async function deployed(args: string[], options: CliOptions, run = troupeJson): Promise<string[]> {
  const { deployments } = await run<{ deployments: Deployment[] }>(["deploy", ...args], options);
  return deployments.map(({ service, environment, version, changed }) =>
    changed ? `${service}@${environment} ${version}` : `${service}@${environment} unchanged`,
  );
}

function error({ code, stdout, stderr }: CliResult): { code: number | null; message: string } {
  expect(stdout).toBe("");
  const { error: said } = JSON.parse(stderr.trim().split("\n").at(-1)!);
  return { code, message: [said.message, ...said.notes].join("\n") };
}

describe("the graph", () => {
  test("services that bind each other in a circle are deployed as one", async () => {
    const cwd = workspace({
      ping: { config: 'services = [{ binding = "PONG", service = "pong" }]\n' },
      pong: { config: 'services = [{ binding = "PING", service = "ping" }]\n' },
    });
    expect((await deployed([], { cwd })).sort()).toEqual(["ping@production 1", "pong@production 1"]);
    const { deployments } = await troupeJson<{ deployments: { operation: string; bound: object; service: string }[] }>(
      ["deployments", "list"],
      { cwd },
    );
    expect(new Set(deployments.map(({ operation }) => operation)).size).toBe(1);
    expect(Object.fromEntries(deployments.map(({ service, bound }) => [service, bound]))).toEqual({
      ping: { "pong@production": 1 },
      pong: { "ping@production": 1 },
    });
  });

  test("what is bound comes along from the folder of one service; named alone it need only be deployed", async () => {
    const cwd = workspace({
      gateway: { config: 'services = [{ binding = "AUTH", service = "auth" }]\n' },
      auth: {},
      other: {},
    });
    const gateway = path.join(cwd, "services/gateway");
    expect(await deployed([], { cwd: gateway })).toEqual(["auth@production 1", "gateway@production 1"]);
    for (const service of ["gateway", "auth"]) writeFileSync(serviceFile(cwd, service), `${EMPTY}globalThis.x = 1;\n`);
    expect(await deployed(["-s", "gateway"], { cwd })).toEqual(["gateway@production 2"]);
    expect(await deployed(["--env", "production"], { cwd: gateway })).toEqual([
      "auth@production 2",
      "gateway@production unchanged",
    ]);
  });

  test("a service that is nowhere is refused, and one that is deployed from elsewhere is found", async () => {
    const cwd = workspace({ gateway: { config: 'services = [{ binding = "AUTH", service = "auth" }]\n' } });
    const state = path.join(cwd, ".troupe");
    const failed = error(await troupe(["deploy", "--json"], { cwd }));
    expect(failed).toEqual({ code: 3, message: expect.stringContaining('Service "auth"') });
    const elsewhere = workspace({ auth: {} });
    expect(await deployed(["--state-dir", state], { cwd: elsewhere })).toEqual(["auth@production 1"]);
    expect(await deployed([], { cwd })).toEqual(["gateway@production 1"]);
  });

  test("a protected one that is deployed stays as it is when what binds it is deployed", async () => {
    const cwd = workspace({ gateway: { config: 'services = [{ binding = "AUTH", service = "auth" }]\n' }, auth: {} });
    await deployed([], { cwd });
    expect(await troupe(["env", "protect", "production", "-s", "auth"], { cwd })).toMatchObject({ code: 0 });
    for (const service of ["gateway", "auth"]) writeFileSync(serviceFile(cwd, service), `${EMPTY}globalThis.x = 1;\n`);
    expect(await deployed([], { cwd: path.join(cwd, "services/gateway") })).toEqual(["gateway@production 2"]);
    const refused = error(await troupe(["deploy", "--json"], { cwd }));
    expect(refused).toEqual({ code: 6, message: expect.stringMatching(/auth@production is protected/) });
  });
});

describe("what is refused", () => {
  test("several environments and a protected one, none named", async () => {
    const cwd = workspace({ site: { config: "[env.staging]\n[env.production]\nprotected = true\n" } });
    const unnamed = error(await troupe(["deploy", "--json"], { cwd }));
    expect(unnamed).toEqual({
      code: 6,
      message: expect.stringMatching(/--env[\s\S]*production \(protected\), staging/),
    });
    const direct = error(await troupe(["deploy", "-e", "production", "--json"], { cwd }));
    expect(direct).toEqual({ code: 6, message: expect.stringMatching(/promotions only/) });
    expect((await troupe(["deploy", "-e", "production"], { cwd })).stderr).not.toContain("Building");
    expect(await deployed(["-e", "staging"], { cwd })).toEqual(["site@staging 1"]);
    expect((await troupe(["env", "promote", "staging"], { cwd })).code).toBe(0);
  });

  test("code that throws, an entrypoint that is not there, a secret without a value", async () => {
    const cwd = workspace({
      gateway: { config: 'services = [{ binding = "AUTH", service = "auth", entrypoint = "Admin" }]\n' },
      auth: { config: 'secrets = { required = ["TOKEN"] }\n' },
    });
    const auth = serviceFile(cwd, "auth");
    expect(error(await troupe(["deploy", "--json"], { cwd }))).toEqual({
      code: 3,
      message: expect.stringMatching(/"?Admin"?/),
    });
    writeFileSync(
      auth,
      `import { WorkerEntrypoint } from "cloudflare:workers";\nexport class Admin extends WorkerEntrypoint {}\n${EMPTY}`,
    );
    expect(error(await troupe(["deploy", "--json"], { cwd }))).toEqual({
      code: 6,
      message: expect.stringMatching(/secret TOKEN[\s\S]*troupe secret put TOKEN --service auth --env production/),
    });
    expect((await troupe(["secret", "put", "TOKEN", "-s", "auth"], { cwd, input: "value" })).code).toBe(0);
    writeFileSync(serviceFile(cwd, "gateway"), `throw new TypeError("not today");\n${EMPTY}`);
    expect(error(await troupe(["deploy", "--json"], { cwd }))).toEqual({
      code: 4,
      message: expect.stringMatching(/not today/),
    });
    // Nothing of all that was deployed.
    expect(readWhole(path.join(cwd, ".troupe"))).toEqual({ "auth@production": undefined });
  });

  test("losing the data of a Durable Object class, unless that is meant", async () => {
    const durable = 'durable_objects = { bindings = [{ name = "ROOM", class_name = "Room" }] }\n';
    const made = `[[migrations]]\ntag = "v1"\nnew_sqlite_classes = ["Room"]\n`;
    const cwd = workspace({
      chat: {
        config: `${durable}${made}`,
        code: `import { DurableObject } from "cloudflare:workers";\nexport class Room extends DurableObject {}\n${EMPTY}`,
      },
    });
    expect(await deployed([], { cwd })).toEqual(["chat@production 1"]);
    writeFiles(cwd, {
      "services/chat/index.js": EMPTY,
      "services/chat/troupe.toml": `name = "chat"\nmain = "index.js"\n${HEAD}${made}[[migrations]]\ntag = "v2"\ndeleted_classes = ["Room"]\n`,
    });
    const refused = error(await troupe(["deploy", "--json"], { cwd }));
    expect(refused).toEqual({ code: 6, message: expect.stringMatching(/Room[\s\S]*--allow-data-loss/) });
    expect(await deployed(["--allow-data-loss"], { cwd })).toEqual(["chat@production 2"]);
  });

  test("names that are none, environments and services that are not there, with a guess", async () => {
    const cwd = workspace({ site: { config: '[env.staging]\nservices = [{ binding = "SELF", service = "site" }]\n' } });
    expect(error(await troupe(["env", "list", "--json"], { cwd }))).toEqual({
      code: 5,
      message: expect.stringMatching(/Nothing was deployed here yet[\s\S]*troupe deploy/),
    });
    expect(await deployed(["-e", "staging", "--dry-run"], { cwd })).toEqual(["site@staging 1"]);
    expect(existsSync(path.join(cwd, ".troupe"))).toBe(false);
    await deployed(["-e", "staging"], { cwd });
    for (const [args, code, message] of [
      [["deploy", "-e", "stagign"], 5, /There is no environment "stagign"[\s\S]*did you mean "staging"/],
      [["deploy", "-s", "sote"], 5, /There is no service "sote"[\s\S]*site/],
      [["deploy", "-e", "Pr_7!", "--create"], 2, /must be of lower-case/],
      [["deploy", "-e", "x", "--create", "--from", "nowhere"], 5, /no environment "nowhere" to start from/],
      [["deploy", "-e", "constructor"], 5, /There is no environment "constructor"/],
      [["deploy", "-e", "constructor", "--create"], 2, /must be another one/],
      [["env", "create", "__proto__"], 2, /must be another one/],
      [["dev", "-e", "__proto__"], 5, /no environment "__proto__"/],
      [["env", "create", "Ümlaut"], 2, /must be of lower-case/],
      [["env", "create", ".."], 2, /must be of lower-case/],
      [["env", "create", "a".repeat(64)], 2, /at most 63 characters \(it has 64\)/],
      [["env", "create", "staging"], 6, /site@staging exists already/],
      [["env", "delete", "staging"], 2, /--yes/],
      [["env", "show", "nowhere"], 5, /site@nowhere[\s\S]*staging/],
      [["versions", "show", "7", "-e", "staging"], 5, /no version 7/],
      [["rollback", "-e", "staging"], 6, /no earlier version/],
      [["deployments", "show", "99"], 5, /no deployment 99/],
      [["secret", "put", "not-a-name", "-e", "staging"], 2, /no name for a secret/],
      [["secret", "put", "__proto__", "-e", "staging"], 2, /every JavaScript object has a "__proto__"/],
      [["secret", "put", "A".repeat(257), "-e", "staging"], 2, /at most 256 characters \(it has 257\)/],
      [["secret", "put", "SELF", "-e", "staging"], 6, /site@staging binds a Service as SELF: a secret of that name/],
      [["deploy", "--tag", ""], 2, /A tag/],
      [["deploy", "--tag", "two\nlines"], 2, /A tag/],
      [["env", "set", "staging", "GREETING"], 2, /no KEY=VALUE/],
      [["env", "list", "--target", "locl"], 2, /did you mean "local"/],
    ] as const) {
      expect(error(await troupe([...args, "--json"], { cwd, input: "x" })), args.join(" ")).toEqual({
        code,
        message: expect.stringMatching(message),
      });
    }
    // A service's name is part of the hostname, too.
    writeFiles(cwd, { "services/site/troupe.toml": `name = "dash"\nmain = "index.js"\n${HEAD}` });
    expect(error(await troupe(["deploy", "--json"], { cwd }))).toEqual({
      code: 3,
      message: expect.stringMatching(/dash/),
    });
  });
});

describe("git", () => {
  const git = (cwd: string, ...args: string[]) => execFileSync("git", args, { cwd, encoding: "utf8" }).trim();

  function repository(services: Parameters<typeof workspace>[0]): string {
    const cwd = workspace(services);
    git(cwd, "init", "-q", "-b", "main");
    git(cwd, "config", "user.name", "Ann Example");
    git(cwd, "config", "user.email", "ann@example.test");
    writeFiles(cwd, { ".gitignore": ".troupe\n" });
    git(cwd, "add", ".");
    git(cwd, "commit", "-qm", "first");
    return cwd;
  }

  test("commit, branch, whether there were changes, and author are recorded with tag and message", async () => {
    const cwd = repository({ site: {} });
    const commit = git(cwd, "rev-parse", "HEAD");
    await deployed(["--tag", "v1", "--message", "the first"], { cwd });
    writeFileSync(serviceFile(cwd, "site"), `${EMPTY}globalThis.x = 1;\n`);
    await deployed([], { cwd });
    const { versions } = await troupeJson<{ versions: object[] }>(["versions", "list"], { cwd });
    expect(versions).toEqual([
      {
        number: 2,
        active: true,
        source: "deploy",
        contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        size: expect.any(Number),
        git: { commit, branch: "main", dirty: true },
        author: "Ann Example <ann@example.test>",
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      },
      expect.objectContaining({
        number: 1,
        active: false,
        tag: "v1",
        message: "the first",
        git: { commit, branch: "main", dirty: false },
      }),
    ]);
  });

  test("--changed leaves out what is as it was deployed", async () => {
    const cwd = repository({ one: {}, two: {} });
    expect(await deployed(["--changed"], { cwd })).toEqual(["one@production 1", "two@production 1"]);
    expect(await deployed(["--changed"], { cwd })).toEqual([]);
    const nothing = await troupe(["deploy", "--changed"], { cwd });
    expect([nothing.stdout, nothing.stderr]).toEqual(["Nothing changed in what is active.\n", ""]);
    writeFileSync(serviceFile(cwd, "two"), `${EMPTY}globalThis.x = 1;\n`);
    expect(await deployed(["--changed"], { cwd })).toEqual(["two@production 2"]);
    git(cwd, "commit", "-qam", "two");
    expect(await deployed(["--changed"], { cwd })).toEqual(["two@production unchanged"]);
  });

  test("--changed sees what a file that moved has left, and what was written from below the root", async () => {
    const cwd = repository({ one: {}, two: {} });
    const text = Array.from({ length: 20 }, (_, line) => `export const n${line} = ${line};\n`).join("");
    writeFiles(cwd, { "services/one/moves.js": text });
    git(cwd, "config", "diff.relative", "true");
    git(cwd, "add", "-A");
    git(cwd, "commit", "-qm", "more");
    await deployed([], { cwd });
    git(cwd, "mv", "services/one/moves.js", "services/two/moves.js");
    git(cwd, "commit", "-qm", "moved");
    expect(await deployed(["--changed"], { cwd })).toEqual(["one@production unchanged", "two@production unchanged"]);
  });
});

describe("shapes", () => {
  test("what deploy, env list and deployments list promise", async () => {
    const cwd = workspace({
      site: { config: 'routes = ["shop.example.test/*"]\n' },
      hidden: { config: "workers_dev = false\n" },
    });
    const first = await binary(["deploy"], { cwd });
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(first).toEqual({
      format: 1,
      deployments: [
        {
          service: "hidden",
          environment: "production",
          version: 1,
          changed: true,
          routes: [],
          contentHash: hash,
          size: expect.any(Number),
          changes: expect.arrayContaining(["code"]),
        },
        {
          service: "site",
          environment: "production",
          version: 1,
          changed: true,
          hostname: "site.localhost",
          url: "http://site.localhost:8787",
          routes: ["shop.example.test/*"],
          contentHash: hash,
          size: expect.any(Number),
          changes: expect.arrayContaining(["code"]),
        },
      ],
    });
    expect(await troupeJson(["env", "list"], { cwd })).toEqual({
      environments: [
        { service: "hidden", name: "production", version: 1, protected: false },
        {
          service: "site",
          name: "production",
          hostname: "site.localhost",
          url: "http://site.localhost:8787",
          version: 1,
          protected: false,
        },
      ],
    });
    const { deployments } = await troupeJson<{ deployments: { id: number }[] }>(["deployments", "list"], { cwd });
    expect(deployments[0]).toMatchObject({
      service: "site",
      environment: "production",
      version: 1,
      action: "deploy",
      bound: {},
    });
    const shown = await troupeJson(["deployments", "show", String(deployments[0]!.id)], { cwd });
    expect(shown).toEqual({ deployment: deployments[0], together: [deployments[1]] });
    // Without --json: a table on stdout; what takes long is told on stderr.
    const again = await troupe(["deploy"], { cwd });
    expect(again).toMatchObject({
      code: 0,
      stderr: expect.not.stringMatching(/error|warning/),
      stdout: expect.stringMatching(/site +production +1 .*unchanged/),
    });
  });

  test("env diff ends with 6 on a difference, if asked to", async () => {
    const cwd = testFolder(shopFiles("troupe"));
    await deployShop(selectionOf(cwd));
    const differs = ["env", "diff", "staging", "production", "-s", "gateway"];
    expect((await troupe(differs, { cwd })).code).toBe(0);
    const asked = await troupe([...differs, "--exit-code"], { cwd });
    expect(asked).toMatchObject({ code: 6, stdout: expect.stringMatching(/GREETING[\s\S]*hello from staging/) });
    expect((await troupe(["env", "diff", "staging", "staging", "-s", "gateway", "--exit-code"], { cwd })).code).toBe(0);
    const choice = error(await troupe(["env", "clone", "staging", "pr-1", "--json"], { cwd }));
    expect(choice).toEqual({ code: 2, message: expect.stringMatching(/--service[\s\S]*auth, gateway/) });
    const { stages, services } = await troupeJson<{ stages: string[]; services: object[] }>(["pipeline"], { cwd });
    expect(stages).toEqual(["preview", "staging", "production"]);
    expect(services).toHaveLength(2);
  });
});

test("what is deployed can be seen and rolled back without a config that can be read", async () => {
  const cwd = workspace({ site: {} });
  await deployed([], { cwd });
  writeFileSync(serviceFile(cwd, "site"), `${EMPTY}globalThis.x = 1;\n`);
  await deployed([], { cwd });
  writeFiles(cwd, { "services/site/troupe.toml": "name = [" });
  expect((await troupe(["rollback"], { cwd })).code).toBe(0);
  rmSync(path.join(cwd, "services"), { recursive: true });
  rmSync(path.join(cwd, "troupe.toml"));
  const { environments } = await troupeJson<{ environments: object[] }>(["env", "list"], { cwd });
  expect(environments).toMatchObject([{ service: "site", version: 1 }]);
});

test("20 deploys at once, the first of all among them: all land, the numbers are consecutive", {
  timeout: 60_000,
}, async () => {
  const COUNT = 20;
  const cwd = workspace({ site: {} });
  const state = path.join(cwd, ".troupe");
  // Most of them come to the store without having tried the code before, and so the closer together.
  const quick = await buildWithoutTrial(testFolder());
  // Each from a folder of its own, with code of its own.
  const folders = Array.from({ length: COUNT }, (_, index) =>
    workspace({ site: { code: `globalThis.deploy = ${index};\n${EMPTY}` } }),
  );
  const results = await Promise.all(
    folders.map((folder, index) => {
      const program = index % 4 === 0 ? {} : { bin: quick };
      return deployed(["--state-dir", state], { cwd: folder, ...program }, binary);
    }),
  );
  const numbers = results.flat().map((text) => Number(text.replace("site@production ", "")));
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, index) => index + 1));
  expect(readWhole(state)["site@production"]!.version).toBe(COUNT);
});
