import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkBindings } from "../../src/ops/bindings-check.ts";
import { buildEnvironments } from "../../src/ops/build-environments.ts";
import { selectWorkspace } from "../../src/ops/select.ts";
import { troupe, troupeJson } from "../support/cli.ts";
import { makeFolder, removeFolder, testFolder } from "../support/files.ts";

const head = (name: string) => `name = "${name}"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n`;
const binding = (name: string, more: string) => `\n[[services]]\nbinding = "${name}"\n${more}\n`;

/** A workspace of a service `gateway` with these bindings, and an `auth` that has staging, where it exports more. */
function files(gateway: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    "troupe.toml": `[workspace]\nmembers = ["gateway", "auth"]\n`,
    "gateway/troupe.toml": head("gateway") + gateway,
    "gateway/index.js": "export default { fetch() {} }; export class Counter {}",
    "auth/troupe.toml": `${head("auth")}\n[env.staging]\nmain = "staging.js"\n`,
    "auth/index.js": "export default { fetch() {} }; export class Room {}",
    "auth/staging.js": "export { default } from './index.js'; export class Verifier {}; export class Flow {}",
    ...more,
  };
}

async function check(all: Record<string, string>, env?: string) {
  const cwd = testFolder(all);
  const result = await checkBindings({ cwd, processEnv: {}, ...(env && { env }) });
  const errors = result.diagnostics.filter(({ severity }) => severity === "error");
  return { ...result, cwd, errors };
}

describe("exports", () => {
  it("passes when everything is there", async () => {
    const bindings = `
[[durable_objects.bindings]]
name = "COUNTER"
class_name = "Counter"

[[durable_objects.bindings]]
name = "ROOM"
class_name = "Room"
script_name = "auth"
${binding("AUTH", 'service = "auth"')}${binding("SELF", 'service = "gateway"')}`;
    const { checked, diagnostics, failure } = await check(files(bindings));
    expect(checked).toEqual(["gateway@production", "auth@production", "auth@staging"]);
    expect(diagnostics).toEqual([]);
    expect(failure).toBeUndefined();
  });

  it("looks in the environment that a binding leads to, and says which", async () => {
    const { errors, cwd, failure } = await check(
      files(`${binding("VERIFIER", 'service = "auth"\nentrypoint = "Verifier"')}\n[env.staging]\n[env.preview]\n`),
    );
    // Staging leads to auth@staging, which has it; preview and production lead to auth@production.
    expect(errors).toEqual([
      expect.objectContaining({
        code: "missing-export",
        message: expect.stringMatching(
          /^gateway@production, gateway@preview: Service VERIFIER: .*exports no entrypoint "Verifier" \(it exports: Room, default\)/,
        ),
        location: expect.objectContaining({ file: path.join(cwd, "gateway/troupe.toml"), line: 5 }),
        notes: [
          "It was looked for in auth@production (same name)",
          'It was looked for in auth@production (auth has no "preview")',
        ],
      }),
    ]);
    expect(failure).toBe("CONFIG");
  });

  it("knows each thing that can be bound by a name", async () => {
    const { errors } = await check(
      files(`
[[durable_objects.bindings]]
name = "A"
class_name = "Nowhere"

[[workflows]]
binding = "B"
name = "flow"
class_name = "Flow"
script_name = "auth"

[[tail_consumers]]
service = "logs"
${binding("C", 'service = "auth"\nenvironment = "nowhere"')}`),
      "production",
    );
    const messages = errors.map(({ message }) => message).sort();
    expect(messages).toHaveLength(4);
    expect(messages[0]).toMatch(/Durable Object A: Service "gateway" exports no Durable Object class "Nowhere"/);
    expect(messages[1]).toMatch(/Service C: Service "auth" has no environment "nowhere"/);
    expect(messages[2]).toMatch(/Tail consumer logs: Service "logs" is not running/);
    expect(messages[3]).toMatch(/Workflow B: Service "auth" exports no Workflow class "Flow"/);
  });

  it("wants a default export of what is called by it", async () => {
    const { errors } = await check(
      files(binding("AUTH", 'service = "auth"'), { "auth/index.js": "export class Room {}" }),
      "production",
    );
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(/Service AUTH: Service "auth" has no default export \(it exports: Room\)/),
    ]);
  });

  it("looks into service-worker syntax, static files and Python alike", async () => {
    const all = files(
      `${binding("AUTH", 'service = "auth"')}${binding("FILES", 'service = "files"')}${binding("PY", 'service = "py"')}`,
      {
        "troupe.toml": `[workspace]\nmembers = ["gateway", "auth", "files", "py"]\n`,
        "auth/index.js": "addEventListener('fetch', (event) => event.respondWith(new Response('hi')))",
        "files/troupe.toml": `name = "files"\ncompatibility_date = "2026-11-01"\n[assets]\ndirectory = "."\n`,
        "py/troupe.toml": `${head("py").replace("index.js", "index.py")}compatibility_flags = ["python_workers"]\n`,
        "py/index.py": "from workers import WorkerEntrypoint\nclass Default(WorkerEntrypoint):\n    pass\n",
      },
    );
    expect((await check(all, "production")).errors).toEqual([]);
  });
});

describe("beyond exports", () => {
  it("finds two consumers of one queue", async () => {
    const consumer = `\n[[queues.consumers]]\nqueue = "jobs"\n`;
    const all = files(consumer, { "auth/troupe.toml": head("auth") + consumer });
    const { errors, cwd } = await check(all, "production");
    expect(errors).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/queue "jobs".*gateway@production and auth@production/),
        notes: expect.arrayContaining([expect.stringContaining(path.join(cwd, "gateway/troupe.toml"))]),
      }),
    ]);
  });

  it("warns of secrets without a value", async () => {
    const all = files(`\n[secrets]\nrequired = ["TOKEN", "OTHER"]\n`, { "gateway/.dev.vars": "OTHER=1\n" });
    const { diagnostics, failure } = await check(all);
    expect(failure).toBeUndefined();
    expect(diagnostics).toEqual([
      expect.objectContaining({
        severity: "warning",
        code: "missing-secret",
        message: expect.stringContaining("TOKEN"),
      }),
    ]);
  });

  it("shows what is wrong with the code, and checks the rest", async () => {
    const all = files(binding("AUTH", 'service = "auth"\nentrypoint = "No"'), {
      "gateway/index.js": "import './nowhere.js'; export default {}",
    });
    const { errors, failure } = await check(all, "production");
    expect(errors.map(({ code }) => code)).toEqual(expect.arrayContaining(["missing-export"]));
    expect(errors.some(({ message }) => message.includes("./nowhere.js"))).toBe(true);
    expect(failure).toBe("CONFIG");
    const codeOnly = await check(files("", { "gateway/index.js": "syntax error" }), "production");
    expect(codeOnly.failure).toBe("BUILD");
  });

  it("builds environments that differ in nothing but bindings once", async () => {
    const cwd = testFolder(files(`\n[env.a]\n[env.b]\nvars = { X = "1" }\n[env.c]\nminify = true\n`));
    const { workspace } = await selectWorkspace({ cwd, processEnv: {} });
    const environments = Object.values(workspace.services[0]!.environments);
    const built = await buildEnvironments(environments);
    const results = environments.map(({ name }) => built.get(`gateway@${name}`));
    expect(environments.map(({ name }) => name)).toEqual(["production", "a", "b", "c"]);
    expect(results.every((result) => result?.bundle)).toBe(true);
    expect(new Set(results).size).toBe(2);
  });
});

describe("on the command line", () => {
  let good: string;
  let bad: string;
  beforeAll(() => {
    good = makeFolder(files(binding("AUTH", 'service = "auth"')));
    bad = makeFolder(files(binding("AUTH", 'service = "auth"\nentrypoint = "Verifer"')));
  });
  afterAll(() => [good, bad].forEach(removeFolder));

  it("says that all is well", async () => {
    expect(await troupeJson(["bindings", "check", "--env", "production"], { cwd: good })).toEqual({
      checked: ["gateway@production", "auth@production"],
      diagnostics: [],
    });
  });

  it("fails with 3, the place and what there is", async () => {
    const { code, stderr, stdout } = await troupe(["bindings", "check"], { cwd: bad });
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain("gateway/troupe.toml:5");
    expect(stderr).toContain("it exports: Room, default");
  });
});
