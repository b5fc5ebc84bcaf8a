import { execFile } from "node:child_process";
import { existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runtimeHeader } from "../../src/ops/types/file.ts";
import { moduleSpecifier } from "../../src/ops/types/import-types.ts";
import { type TypesOptions, writeTypes } from "../../src/ops/types/index.ts";
import { effectiveDate, workerdVersion } from "../../src/runtime/runtime-types.ts";
import { ROOT, troupe, troupeJson } from "../support/cli.ts";
import { makeFolder, removeFolder, testFolder, writeFiles } from "../support/files.ts";
import { WRANGLER } from "../support/wrangler.ts";

const FILE = "worker-configuration.d.ts";
const DATE = "2026-07-01";
const run = promisify(execFile);

const types = (cwd: string, options: Partial<TypesOptions> = {}) => writeTypes({ cwd, processEnv: {}, ...options });
const read = (dir: string, file = FILE) => readFileSync(path.join(dir, file), "utf8");
const head = (name: string) => `name = "${name}"\nmain = "src/index.ts"\ncompatibility_date = "${DATE}"\n`;

/** One service without runtime types: quick to make. */
function service(rest: string, files: Record<string, string> = {}): string {
  return testFolder({ "troupe.toml": head("solo") + rest, "src/index.ts": "export default {};", ...files });
}
const env = async (cwd: string, options: Partial<TypesOptions> = {}) => {
  const result = await types(cwd, { includeRuntime: false, ...options });
  return { ...result, text: read(cwd) };
};

/** What `tsc` has against a project. @returns the lines it prints, none when all is well */
async function tsc(dir: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await run(path.join(ROOT, "node_modules/.bin/tsc"), args.length > 0 ? args : ["-p", "."], {
    cwd: dir,
  }).catch((error) => error);
  return stdout.trim().split("\n").filter(Boolean);
}

const TSCONFIG = {
  compilerOptions: {
    target: "es2024",
    lib: ["es2024"],
    module: "esnext",
    moduleResolution: "bundler",
    types: ["node"],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  },
  include: [FILE, "src"],
};

describe("a workspace of two services, checked by the real TypeScript", () => {
  let root: string;
  let gateway: string;

  beforeAll(async () => {
    root = makeFolder({
      "troupe.toml": `[workspace]\nmembers = ["gateway", "auth"]\n`,
      "gateway/troupe.toml": `${head("gateway")}compatibility_flags = ["nodejs_compat"]

[vars]
GREETING = "hello"
LIMITS = { depth = 2 }

[secrets]
required = ["TOKEN"]

[[services]]
binding = "AUTH"
service = "auth"

[[services]]
binding = "VERIFIER"
service = "auth"
entrypoint = "Verifier"

[[services]]
binding = "ELSEWHERE"
service = "elsewhere"

[[kv_namespaces]]
binding = "CACHE"

[[durable_objects.bindings]]
name = "COUNTER"
class_name = "Counter"

[[durable_objects.bindings]]
name = "ROOM"
class_name = "Room"
script_name = "auth"

[[workflows]]
binding = "FLOW"
name = "flow"
class_name = "Flow"

[env.staging]
unset = ["CACHE"]
vars = { GREETING = "hi", DEBUG = "1" }
`,
      "gateway/tsconfig.json": JSON.stringify(TSCONFIG),
      "gateway/src/index.ts": `
import { DurableObject, env as globalEnv, WorkflowEntrypoint, type WorkflowEvent } from "cloudflare:workers";
export class Counter extends DurableObject<Env> { async add(by: number): Promise<number> { return by; } }
export class Flow extends WorkflowEntrypoint<Env, { x: number }> {
  async run(event: WorkflowEvent<{ x: number }>) { return event.payload.x; }
}
export default {
  async fetch(_request, env, ctx): Promise<Response> {
    const verified: boolean = await env.VERIFIER.verify("token");
    const sum: number = await env.AUTH.add(1, 2);
    const counted: number = await env.COUNTER.getByName("a").add(2);
    const said: string = await env.ROOM.getByName("a").say("hi");
    await env.FLOW.create({ params: { x: 1 } });
    await env.CACHE?.get("key");
    await env.ELSEWHERE.fetch("http://elsewhere/");
    const greeting: "hello" | "hi" = env.GREETING;
    const debug: "1" | undefined = env.DEBUG;
    const depth: 2 = env.LIMITS.depth;
    const token: string = globalEnv.TOKEN;
    const fromProcess: string | undefined = process.env.TOKEN;
    const own: number = await ctx.exports.Counter.getByName("a").add(1);
    return Response.json([verified, sum, counted, said, greeting, debug, depth, token, fromProcess, own]);
  },
} satisfies ExportedHandler<Env>;
`,
      "auth/troupe.toml": `${head("auth")}workers_dev = false\n`,
      "auth/tsconfig.json": JSON.stringify(TSCONFIG),
      "auth/src/index.ts": `
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
export class Verifier extends WorkerEntrypoint { async verify(token: string): Promise<boolean> { return token !== ""; } }
export class Room extends DurableObject { async say(text: string) { return text; } }
export default class extends WorkerEntrypoint { async add(a: number, b: number) { return a + b; } }
`,
    });
    gateway = path.join(root, "gateway");
    // TypeScript looks for @types/node above the project.
    symlinkSync(path.join(ROOT, "node_modules"), path.join(root, "node_modules"));
    const { files, warnings } = await types(root);
    expect(files.map(({ service: name, state }) => [name, state])).toEqual([
      ["gateway", "written"],
      ["auth", "written"],
    ]);
    expect(warnings).toEqual([]);
  });
  afterAll(() => removeFolder(root));

  it("compiles what is right", async () => {
    expect(await tsc(gateway)).toEqual([]);
    expect(await tsc(path.join(root, "auth"))).toEqual([]);
  });

  describe("finds what is wrong:", () => {
    const wrong = [
      [
        "a misspelt RPC method",
        "env.VERIFIER.verify(",
        "env.VERIFIER.verfy(",
        /'verfy' does not exist.*Did you mean 'verify'/,
      ],
      [
        "a wrong argument of one",
        'verify("token")',
        "verify(1)",
        /'number' is not assignable to parameter of type 'string'/,
      ],
      ["a method of a Durable Object", '("a").say(', '("a").sing(', /'sing' does not exist/],
      ["a Workflow's parameters", "params: { x: 1 }", "params: { y: 1 }", /'y' does not exist/],
      ["a binding that an environment lacks", "env.CACHE?.get", "env.CACHE.get", /possibly 'undefined'/],
      ["a value that no environment has", '"hello" | "hi" = env', '"hello" = env', /'"hi"' is not assignable/],
      ["a binding that there is not", "env.FLOW.create", "env.FLO.create", /'FLO' does not exist.*Did you mean 'FLOW'/],
    ] as const;
    const copy = (index: number) => `src/wrong-${index}.ts`;
    let found: string[];
    beforeAll(async () => {
      const source = readFileSync(path.join(gateway, "src/index.ts"), "utf8");
      for (const [index, [, right, mistake]] of wrong.entries()) {
        expect(source).toContain(right);
        writeFileSync(path.join(gateway, copy(index)), source.replace(right, mistake));
      }
      found = (await tsc(gateway)).join("\n").split(/^(?=src)/m);
      for (const index of wrong.keys()) rmSync(path.join(gateway, copy(index)));
    });

    it.each(wrong.map(([what, , , message], index) => [what, message, index] as const))(
      "%s",
      (_what, message, index) => {
        expect(found.filter((each) => each.startsWith(copy(index))).join("\n")).toMatch(message);
      },
    );

    it("and nothing else", () => {
      expect(found.map((each) => each.split("(")[0]).sort()).toEqual(wrong.map((_each, index) => copy(index)));
    });
  });

  it("writes nothing when nothing changed, and keeps runtime types that are right", async () => {
    const before = statSync(path.join(gateway, FILE)).mtimeMs;
    expect((await types(gateway)).files).toMatchObject([{ service: "gateway", state: "unchanged" }]);
    expect(statSync(path.join(gateway, FILE)).mtimeMs).toBe(before);

    // What is not made again is what the file had, changed or not.
    const marked = read(gateway).replace("// noinspection JSUnusedGlobalSymbols", "// kept");
    writeFileSync(path.join(gateway, FILE), marked.replace('"hello" | "hi"', '"outdated"'));
    expect((await types(gateway)).files).toMatchObject([{ state: "written" }]);
    expect(read(gateway)).toBe(marked);
  });

  it("tells which files are out of date, and writes nothing", async () => {
    await types(root, { check: true });
    const text = read(gateway);
    const outdated = text.replace("TOKEN: string", "TOKEN: number");
    writeFileSync(path.join(gateway, FILE), outdated);
    const error = await types(root, { check: true }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "CONFLICT", message: `gateway/${FILE} is out of date` });
    expect(read(gateway)).toBe(outdated);
    const { code, stderr } = await troupe(["types", "--check"], { cwd: gateway });
    expect({ code, stderr }).toMatchObject({ code: 6, stderr: expect.stringContaining(`${FILE} is out of date`) });
    writeFileSync(path.join(gateway, FILE), text);
    expect(await troupeJson(["types", "--check"], { cwd: gateway })).toEqual({
      files: [{ service: "gateway", path: path.join(gateway, FILE), state: "unchanged" }],
    });
  });

  it("warns where the bound service's source means its own Env; a project reference mends it", async () => {
    const copy = testFolder();
    for (const dir of ["gateway", "auth"]) {
      const own = dir === "auth" ? `\n[vars]\nSALT = "x"\n` : "";
      const file = (name: string) => readFileSync(path.join(root, dir, name), "utf8");
      writeFiles(copy, {
        [`${dir}/troupe.toml`]: file("troupe.toml") + own,
        [`${dir}/tsconfig.json`]: file("tsconfig.json"),
        [`${dir}/src/index.ts`]: file("src/index.ts")
          .replace("extends WorkerEntrypoint {", "extends WorkerEntrypoint<Env> {")
          .replace('return token !== ""', "return token === this.env.SALT"),
        [`${dir}/${FILE}`]: file(FILE),
      });
    }
    writeFiles(copy, { "troupe.toml": readFileSync(path.join(root, "troupe.toml"), "utf8") });
    symlinkSync(path.join(ROOT, "node_modules"), path.join(copy, "node_modules"));
    const { warnings } = await types(copy);
    expect(warnings).toEqual([expect.objectContaining({ code: "foreign-env" })]);
    expect((await tsc(path.join(copy, "gateway"))).join("\n")).toMatch(/'SALT' does not exist on type 'Env'/);

    const { noEmit: _, ...emitting } = TSCONFIG.compilerOptions;
    const composite = { ...emitting, composite: true, emitDeclarationOnly: true, outDir: "../.types/auth" };
    writeFiles(copy, {
      "auth/tsconfig.json": JSON.stringify({ ...TSCONFIG, compilerOptions: composite }),
      "gateway/tsconfig.json": JSON.stringify({ ...TSCONFIG, references: [{ path: "../auth" }] }),
    });
    expect((await types(copy)).warnings).toEqual([]);
    expect(await tsc(path.join(copy, "gateway"), "-b")).toEqual([]);
    const file = path.join(copy, "gateway/src/index.ts");
    writeFileSync(file, readFileSync(file, "utf8").replace("VERIFIER.verify", "VERIFIER.verfy"));
    expect((await tsc(path.join(copy, "gateway"), "-b")).join("\n")).toMatch(/'verfy' does not exist/);
  });
});

describe("against Wrangler's own", () => {
  it("gives the same types for the same project", async () => {
    const bindings = {
      services: [
        { binding: "AUTH", service: "auth" },
        { binding: "VERIFIER", service: "auth", entrypoint: "Verifier" },
      ],
      kv_namespaces: [{ binding: "CACHE", id: "a" }],
    };
    const config = {
      name: "gateway",
      main: "src/index.ts",
      compatibility_date: DATE,
      compatibility_flags: ["nodejs_compat"],
      ...bindings,
      vars: { GREETING: "hello", LIMITS: { a: 1, b: [1, "x"] }, "odd-name": 'a"b' },
      secrets: { required: ["TOKEN"] },
      durable_objects: { bindings: [{ name: "COUNTER", class_name: "Counter" }] },
      migrations: [{ tag: "v1", new_sqlite_classes: ["Counter"] }],
      r2_buckets: [{ binding: "FILES", bucket_name: "files" }],
      d1_databases: [{ binding: "DB", database_name: "db", database_id: "x" }],
      queues: { producers: [{ binding: "JOBS", queue: "jobs" }] },
      hyperdrive: [{ binding: "PG", id: "x", localConnectionString: "postgres://u:p@localhost/db" }],
      ai: { binding: "AI" },
      version_metadata: { binding: "VERSION" },
      analytics_engine_datasets: [{ binding: "EVENTS", dataset: "e" }],
      ratelimits: [{ name: "LIMIT", namespace_id: "1", simple: { limit: 1, period: 60 } }],
      send_email: [{ name: "MAIL" }],
      images: { binding: "IMAGES" },
      browser: { binding: "BROWSER" },
      mtls_certificates: [{ binding: "CERT", certificate_id: "x" }],
      dispatch_namespaces: [{ binding: "USERS", namespace: "users" }],
      worker_loaders: [{ binding: "LOADER" }],
      vectorize: [{ binding: "INDEX", index_name: "i" }],
      secrets_store_secrets: [{ binding: "STORED", store_id: "x", secret_name: "s" }],
      assets: { directory: "public", binding: "ASSETS" },
      rules: [{ type: "Text", globs: ["**/*.md"], fallthrough: true }],
      env: { staging: { ...bindings, vars: { GREETING: "hi" }, secrets: { required: ["TOKEN", "OTHER"] } } },
    };
    const dir = testFolder({
      "gateway/wrangler.json": JSON.stringify(config),
      "gateway/src/index.ts": `import { DurableObject } from "cloudflare:workers";\nexport class Counter extends DurableObject {}\nexport default {};`,
      "gateway/public/a.txt": "a",
      "auth/wrangler.json": JSON.stringify({ name: "auth", main: "src/index.ts", compatibility_date: DATE }),
      "auth/src/index.ts": `import { WorkerEntrypoint } from "cloudflare:workers";\nexport class Verifier extends WorkerEntrypoint {}\nexport default {};`,
    });
    const cwd = path.join(dir, "gateway");
    const configs = ["wrangler.json", "../auth/wrangler.json"];
    await run(process.execPath, [WRANGLER, "types", "theirs.d.ts", ...configs.flatMap((file) => ["-c", file])], {
      cwd,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "1" },
    });
    await types(cwd, { config: configs, service: ["gateway"], path: "ours.d.ts" });

    const [theirs, ours] = ["theirs.d.ts", "ours.d.ts"].map((file) => split(read(cwd, file)));
    expect(ours!.runtime).toBe(theirs!.runtime);
    expect(ours!.runtimeHeader).toBe(theirs!.runtimeHeader);
    expect(ours!.lines).toEqual(theirs!.lines);
  });

  /** The order of lines and of the members of unions means nothing. */
  function split(text: string) {
    const [env, runtime] = text.split("// Begin runtime types\n") as [string, string];
    const [, , runtimeHeader, ...lines] = env.trim().split("\n");
    const sorted = (line: string) => {
      const [, key, type] = /^(.*?)(?:: |<Pick<Cloudflare.Env, )(.*?)(?:;|>.*)$/.exec(line) ?? [undefined, line, ""];
      return `${key}: ${type!.split(" | ").sort().join(" | ")}`;
    };
    // Theirs tells in comments what the types don't say, and quotes a key in its own way.
    const bare = lines.map((line) => line.replaceAll("['run']", '["run"]').replace(/ \/\*.*\*\//, ""));
    return { runtime: runtime.trim(), runtimeHeader, lines: bare.map(sorted).sort() };
  }
});

describe("flags and their files", () => {
  it("leaves out what is not wanted", async () => {
    const cwd = service(`\n[vars]\nX = "1"\nLIMITS = { a = 1, b = [1, "x"], c = [] }\n`);
    expect((await env(cwd)).text).not.toContain("Begin runtime types");
    const { text } = await env(cwd, { strictVars: false, envInterface: "Bindings", includeMainModule: false });
    expect(text).toContain("\tX: string;");
    expect(text).toContain('\tLIMITS: { "a": number; "b": (number | string)[]; "c": unknown[] };');
    expect(text).toContain("interface Bindings extends __BaseEnv_Bindings {}");
    expect(text).not.toContain("mainModule");
    expect(text).toContain(
      "`troupe types --env-interface=Bindings --include-runtime=false --include-main-module=false --strict-vars=false`",
    );
    await expect(types(cwd, { includeEnv: false, includeRuntime: false })).rejects.toMatchObject({ code: "USAGE" });
    await expect(types(cwd, { envInterface: "1" })).rejects.toMatchObject({ code: "USAGE" });
  });

  it("writes one environment, or all of them in one", async () => {
    const cwd = service(`\n[vars]\nX = "1"\n\n[env.staging.vars]\nX = "2"\nY = "2"\n\n[env.pr-7]\n[env."env"]\n`);
    const { text } = await env(cwd);
    expect(text).toMatch(/interface __BaseEnv_Env \{\n\tX: "1" \| "2";\n\tY\?: "2";\n\}/);
    expect(text).toMatch(/interface StagingEnv \{\n\t\tX: "2";\n\t\tY: "2";\n\t\}/);
    expect(text).toContain("interface Pr7Env {");
    expect(text).toContain("interface EnvEnv {");
    const staging = await env(cwd, { env: "staging" });
    expect(staging.text).toMatch(/interface __BaseEnv_Env \{\n\tX: "2";\n\tY: "2";\n\}/);
    expect(staging.text).not.toContain("StagingEnv");
    await expect(types(cwd, { env: "stagin" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("takes names from .dev.vars until the config declares secrets", async () => {
    const cwd = service(`\n[vars]\nX = "1"\n`, { ".dev.vars": "X=local\nKEY=secret\n" });
    expect((await env(cwd)).text).toMatch(/\{\n\tX: string;\n\tKEY: string;\n\}/);
    writeFileSync(path.join(cwd, "troupe.toml"), `${head("solo")}\n[secrets]\nrequired = ["TOKEN"]\n`);
    expect((await env(cwd)).text).toMatch(/\{\n\tTOKEN: string;\n\}/);
    expect((await env(cwd)).text).not.toContain("secret;");
  });

  it("knows when process.env is filled", async () => {
    const date = (value: string, flags = "") =>
      `name = "solo"\nmain = "src/index.ts"\ncompatibility_date = "${value}"\ncompatibility_flags = [${flags}]\n[vars]\nX = "1"\n`;
    const cases: [string, boolean][] = [
      [date("2026-07-01"), false],
      [date("2026-07-01", '"nodejs_compat"'), true],
      [date("2025-03-01", '"nodejs_compat"'), false],
      [date("2025-03-01", '"nodejs_compat", "nodejs_compat_populate_process_env"'), true],
      [date("2026-07-01", '"nodejs_compat", "nodejs_compat_do_not_populate_process_env"'), false],
      [date("2026-11-01"), true],
    ];
    const cwd = service("");
    for (const [config, filled] of cases) {
      writeFileSync(path.join(cwd, "troupe.toml"), config);
      expect((await env(cwd)).text.includes("interface ProcessEnv"), config).toBe(filled);
    }
  });

  it("declares globals for service-worker syntax, and modules for rules", async () => {
    const cwd = service(`\n[vars]\nX = "1"\n\n[[rules]]\ntype = "Text"\nglobs = ["**/*.md", "notes"]\n`, {
      "src/index.ts": "addEventListener('fetch', (event: any) => event.respondWith(new Response('hi')));",
    });
    const { text } = await env(cwd);
    expect(text).toContain('declare const X: "1";');
    expect(text).not.toContain("interface Env");
    expect(text).toContain('declare module "*.md" {\n\tconst value: string;');
    expect(text).toContain('declare module "notes" {');
    // A rule that does not fall through ends the defaults of its type.
    expect(text).not.toContain('"*.txt"');
    expect(text).toContain('declare module "*.wasm" {');
  });

  it("still writes types for code that does not build", async () => {
    const cwd = service(`\n[[durable_objects.bindings]]\nname = "COUNTER"\nclass_name = "Counter"\n`, {
      "src/index.ts": "import './missing.ts';\nexport default {};",
    });
    const { text, warnings } = await env(cwd);
    expect(warnings).toEqual([expect.objectContaining({ code: "unbuilt-service" })]);
    expect(text).toContain('COUNTER: DurableObjectNamespace<import("./src/index").Counter>;');
    // Once it builds, what it does not export has no type.
    writeFileSync(path.join(cwd, "src/index.ts"), "export default {};");
    expect((await env(cwd)).text).toMatch(/COUNTER: DurableObjectNamespace \/\* Counter \*\/;/);
  });

  it("says whose runtime it is when environments differ, and keeps within what the runtime knows", async () => {
    const cwd = service(`\n[env.staging]\ncompatibility_date = "2999-01-01"\n`);
    // With runtime types under the right header, none are made.
    const headers = [
      runtimeHeader(workerdVersion(), DATE, []),
      runtimeHeader(workerdVersion(), effectiveDate("2999-01-01"), []),
    ];
    for (const [header, env] of [
      [headers[0]!, undefined],
      [headers[1]!, "staging"],
    ] as const) {
      writeFileSync(path.join(cwd, FILE), `/* eslint-disable */\n${header}\n// Begin runtime types\nold\n`);
      const { warnings } = await types(cwd, { ...(env && { env }) });
      expect(warnings.map(({ code }) => code)).toEqual(env ? [] : ["differing-runtime"]);
      expect(read(cwd)).toMatch(/\/\/ Begin runtime types\nold\n$/);
    }
    expect(headers[1]).not.toContain("2999");
  });

  it("writes where it is told to, and over nothing of somebody's own", async () => {
    const cwd = service("", { [FILE]: "declare const mine: string;\n" });
    await expect(env(cwd)).rejects.toMatchObject({ code: "PRECONDITION" });
    expect(read(cwd)).toBe("declare const mine: string;\n");
    await types(cwd, { includeRuntime: false, path: "src/env.d.ts" });
    expect(read(cwd, "src/env.d.ts")).toContain('typeof import("./index")');
    await expect(types(cwd, { path: "env.ts" })).rejects.toMatchObject({ code: "USAGE" });
    const two = testFolder({
      "troupe.toml": `[workspace]\nmembers = ["*"]\n`,
      "a/troupe.toml": head("a"),
      "a/src/index.ts": "export default {}",
      "b/troupe.toml": head("b"),
      "b/src/index.ts": "export default {}",
    });
    await expect(types(two, { path: "env.d.ts" })).rejects.toMatchObject({ code: "USAGE" });
    expect(existsSync(path.join(two, "env.d.ts"))).toBe(false);
  });

  it("takes line endings as they are checked out", async () => {
    const cwd = service("");
    const { text } = await env(cwd);
    writeFileSync(path.join(cwd, FILE), text.replaceAll("\n", "\r\n"));
    await types(cwd, { includeRuntime: false, check: true });
  });

  it("names modules as TypeScript finds them", () => {
    const cases: [string, string | undefined][] = [
      ["/ws/auth/src/index.ts", "../auth/src/index"],
      ["/ws/gateway/src/index.tsx", "./src/index"],
      ["/ws/gateway/src/index.mts", "./src/index.mjs"],
      ["/ws/gateway/worker.js", "./worker"],
      ["/ws/gateway/src/index", "./src/index"],
      ["/ws/gateway/src/index.py", undefined],
    ];
    for (const [main, specifier] of cases) expect(moduleSpecifier("/ws/gateway/env.d.ts", main)).toBe(specifier);
  });
});
