import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { fieldsOf } from "../../src/bindings/fields.ts";
import { BINDING_KINDS } from "../../src/bindings/index.ts";
import { COMMON_FLAGS } from "../../src/cli/flags.ts";
import { readEntry } from "../../src/ops/binding-entry.ts";
import { addBinding, removeBinding } from "../../src/ops/bindings-edit.ts";
import { troupe, troupeJson } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";

const HEAD = `name = "gateway" # the front\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n`;
const CODE = { "index.js": "export default {}" };

function toml(rest: string, files: Record<string, string> = {}) {
  const cwd = testFolder({ ...CODE, ...files, "troupe.toml": HEAD + rest });
  const file = path.join(cwd, "troupe.toml");
  return { selection: { cwd, processEnv: {} }, file, text: () => readFileSync(file, "utf8").slice(HEAD.length) };
}

function wrangler(config: object) {
  const head = { name: "gateway", main: "index.js", compatibility_date: "2026-11-01" };
  const text = JSON.stringify({ ...head, ...config }, null, 2).replace("{\n", "{\n  // the front\n");
  const cwd = testFolder({ ...CODE, "wrangler.jsonc": text });
  const read = () => readFileSync(path.join(cwd, "wrangler.jsonc"), "utf8");
  return {
    selection: { cwd, processEnv: {} },
    text: read,
    data: () => JSON.parse(read().replace(/^ *\/\/.*$/gm, "")),
  };
}

describe("adding", () => {
  it("writes a binding and says where it stands", async () => {
    const { selection, file, text } = toml(`\n# Variables\n[vars]\nX = "1"\n`);
    const edit = await addBinding({ ...selection, kind: "kv", name: "CACHE", entry: {} });
    expect(text()).toBe(`\n# Variables\n[vars]\nX = "1"\n\n[[kv_namespaces]]\nbinding = "CACHE"\n`);
    expect(edit).toMatchObject({
      action: "added",
      service: "gateway",
      environment: "production",
      kind: "kv",
      notes: [],
    });
    expect(edit.location).toMatchObject({ file, line: 9 });
  });

  it("writes into the table of an environment, which may override what it inherits", async () => {
    const { selection, text } = toml(`\n[[kv_namespaces]]\nbinding = "CACHE"\n\n[env.staging]\n`);
    const edit = await addBinding({ ...selection, env: "staging", kind: "kv", name: "CACHE", entry: { id: "abc" } });
    expect(text()).toContain(`[env.staging]\n\n[[env.staging.kv_namespaces]]\nbinding = "CACHE"\nid = "abc"\n`);
    expect(edit.notes).toEqual(["It takes the place of the one that staging inherits"]);
  });

  it("tells who inherits it, and in files of Wrangler's who does not", async () => {
    const ours = toml(`\n[env.staging]\n[env.preview]\n`);
    const edit = await addBinding({ ...ours.selection, kind: "var", name: "GREETING", entry: "hello" });
    expect(edit).toMatchObject({ entry: "hello", notes: ["Inherited by staging, preview"] });
    const theirs = wrangler({ env: { staging: {} } });
    const other = await addBinding({ ...theirs.selection, kind: "var", name: "GREETING", entry: "hello" });
    expect(other.notes).toEqual([expect.stringMatching(/^Not inherited by staging:.*--env/)]);
    expect(theirs.data()).toMatchObject({ vars: { GREETING: "hello" } });
    await addBinding({ ...theirs.selection, env: "staging", kind: "var", name: "GREETING", entry: "hi" });
    expect(theirs.data()).toMatchObject({
      vars: { GREETING: "hello" },
      env: { staging: { vars: { GREETING: "hi" } } },
    });
    expect(theirs.text()).toContain("// the front");
  });

  it("gives static files their name", async () => {
    const { selection, text } = toml(`\n[assets]\ndirectory = "public"\n`, { "public/a.txt": "a" });
    await addBinding({ ...selection, kind: "assets", name: "ASSETS", entry: {} });
    expect(text()).toBe(`\n[assets]\ndirectory = "public"\nbinding = "ASSETS"\n`);
    await expect(addBinding({ ...selection, kind: "assets", name: "FILES", entry: {} })).rejects.toMatchObject({
      code: "CONFLICT",
      location: { line: 5 },
    });
  });

  it.each(["a b", "1A", "A-B", ""])("refuses %j, which code could not write after env.", async (name) => {
    const { selection, text } = toml("");
    await expect(addBinding({ ...selection, kind: "kv", name, entry: {} })).rejects.toMatchObject({ code: "USAGE" });
    expect(text()).toBe("");
  });

  it("refuses a name that is bound, with its place", async () => {
    const { selection, file, text } = toml(`\n[vars]\nCACHE = "1"\n`);
    const before = text();
    await expect(addBinding({ ...selection, kind: "kv", name: "CACHE", entry: {} })).rejects.toMatchObject({
      code: "CONFLICT",
      exitCode: 6,
      location: { file, line: 6 },
    });
    expect(text()).toBe(before);
  });

  it("writes nothing when the edited config would not resolve, and says what would be wrong", async () => {
    const { selection, text } = toml("");
    const cases: [string, string, object, RegExp][] = [
      ["r2", "FILES", { bucket_name: "NOT VALID" }, /bucket_name/],
      ["mtls-certificate", "API", { certificate: "c.pem" }, /private_key/],
      ["kv", "CACHE", { unknown: 1 }, /unknown/],
    ];
    for (const [kind, name, entry, message] of cases) {
      const error = await addBinding({ ...selection, kind, name, entry }).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: "CONFIG", message: expect.stringMatching(message) });
      expect(error.notes).toContain("Nothing was written to troupe.toml");
    }
    expect(text()).toBe("");
    expect(readdirSync(selection.cwd).sort()).toEqual(["index.js", "troupe.toml"]);
  });

  it("points out a service that is nowhere, and guesses", async () => {
    const cwd = testFolder({
      "troupe.toml": `[workspace]\nmembers = ["gateway", "auth"]\n`,
      "gateway/troupe.toml": HEAD,
      "gateway/index.js": CODE["index.js"],
      "auth/troupe.toml": HEAD.replace("gateway", "auth"),
      "auth/index.js": CODE["index.js"],
    });
    const selection = { cwd, processEnv: {}, service: ["gateway"] };
    const entry = { service: "auht" };
    const edit = await addBinding({ ...selection, kind: "service", name: "AUTH", entry });
    expect(edit.notes).toEqual([expect.stringContaining('Service "auht"'), "did you mean auth?"]);
    await expect(
      addBinding({ ...selection, service: undefined, kind: "kv", name: "X", entry: {} }),
    ).rejects.toMatchObject({
      code: "USAGE",
      notes: [expect.stringContaining("gateway, auth")],
    });
  });

  it("keeps line endings and a byte order mark", async () => {
    const { selection, file } = toml("");
    writeFileSync(file, `\uFEFF${HEAD.replaceAll("\n", "\r\n")}`);
    await addBinding({ ...selection, kind: "kv", name: "CACHE", entry: {} });
    expect(readFileSync(file, "utf8")).toBe(
      `\uFEFF${HEAD.replaceAll("\n", "\r\n")}\r\n[[kv_namespaces]]\r\nbinding = "CACHE"\r\n`,
    );
  });
});

describe("removing", () => {
  it("takes the entry out, with what is empty then", async () => {
    const { selection, text } = toml(
      `\n[durable_objects]\nbindings = [{ name = "A", class_name = "A" }]\n\n[vars]\nX = "1"\n`,
    );
    const edit = await removeBinding({ ...selection, name: "A" });
    expect(edit).toMatchObject({ action: "removed", kind: "durable-object", name: "A", location: { line: 6 } });
    expect(text()).toBe(`\n[vars]\nX = "1"\n`);
  });

  it("unsets what an environment inherits, through all environments between", async () => {
    const { selection, text } = toml(`\n[vars]\nX = "1"\n\n[env.staging]\n\n[env.preview]\nextends = "staging"\n`);
    expect(await removeBinding({ ...selection, env: "preview", name: "X" })).toMatchObject({ unset: true });
    expect(text()).toBe(`\n[vars]\nX = "1"\n\n[env.staging]\n\n[env.preview]\nextends = "staging"\nunset = ["X"]\n`);
  });

  it("removes an environment's own and unsets what it had taken the place of", async () => {
    const { selection, text } = toml(`\n[vars]\nX = "1"\n\n[env.staging]\nvars = { X = "2" }\n`);
    await removeBinding({ ...selection, env: "staging", name: "X" });
    expect(text()).toBe(`\n[vars]\nX = "1"\n\n[env.staging]\nunset = ["X"]\n`);
  });

  it("removes an unset that has nothing left to unset", async () => {
    const { selection, text } = toml(
      `\n[vars]\nX = "1"\nY = "1"\n\n[env.staging]\nunset = ["X", "Y"]\n\n[env.preview]\nunset = ["X"]\n`,
    );
    await removeBinding({ ...selection, name: "X" });
    expect(text()).toBe(`\n[vars]\nY = "1"\n\n[env.staging]\nunset = ["Y"]\n\n[env.preview]\n`);
  });

  it("leaves static files, which lose their name only", async () => {
    const { selection, text } = toml(`\n[assets]\ndirectory = "public"\nbinding = "ASSETS"\n`, { "public/a.txt": "a" });
    await removeBinding({ ...selection, name: "ASSETS" });
    expect(text()).toBe(`\n[assets]\ndirectory = "public"\n`);
  });

  it("keeps to Wrangler's rules in files of Wrangler's", async () => {
    const config = wrangler({
      assets: { directory: ".", binding: "ASSETS" },
      vars: { X: "1" },
      env: { staging: { vars: { X: "2" } } },
    });
    await expect(removeBinding({ ...config.selection, env: "staging", name: "ASSETS" })).rejects.toMatchObject({
      code: "PRECONDITION",
    });
    await removeBinding({ ...config.selection, env: "staging", name: "X" });
    expect(config.data()).toMatchObject({ vars: { X: "1" }, env: { staging: {} } });
    await expect(removeBinding({ ...config.selection, env: "staging", name: "X" })).rejects.toMatchObject({
      code: "NOT_FOUND",
      notes: [expect.stringMatching(/production has it/)],
    });
  });

  it("works on [env.production], in both dialects", async () => {
    const ours = toml(`\n[vars]\nX = "1"\n\n[env.production.vars]\nX = "2"\n`);
    await removeBinding({ ...ours.selection, name: "X" });
    expect(ours.text()).toBe(`\n[env.production]\n`);
    const theirs = wrangler({ vars: { X: "1" }, env: { production: { vars: { X: "2" } } } });
    await addBinding({ ...theirs.selection, env: "production", kind: "kv", name: "CACHE", entry: { id: "a" } });
    expect(theirs.data().env.production).toMatchObject({ kv_namespaces: [{ binding: "CACHE", id: "a" }] });
    expect(theirs.data().kv_namespaces).toBeUndefined();
  });

  it("does not find what is not there, and guesses", async () => {
    const { selection } = toml(`\n[vars]\nGREETING = "1"\n`);
    await expect(removeBinding({ ...selection, name: "GRETING" })).rejects.toMatchObject({
      code: "NOT_FOUND",
      exitCode: 5,
      notes: ["did you mean GREETING?"],
    });
  });
});

describe("every kind", () => {
  it.each(BINDING_KINDS.map((kind) => [kind.id, kind] as const))("%s: fields have flags of their own", (_id, kind) => {
    const { fields, positional } = fieldsOf(kind);
    expect(new Set(fields.map(({ flag }) => flag)).size).toBe(fields.length);
    for (const { flag } of fields) {
      expect(flag).toMatch(/^[a-z][a-z0-9-]*$/);
      // A field that a common flag hides has to be the positional.
      if (flag in COMMON_FLAGS) expect(flag).toBe(positional?.flag);
    }
  });

  it("can be added and removed again, leaving the file as it was", async () => {
    const typed: Record<string, { value?: string; flags?: Record<string, unknown>; name?: null }> = {
      service: { value: "auth", flags: { entrypoint: "Verifier", props: '{"a":1}' } },
      var: { value: "hello" },
      r2: { value: "files" },
      "durable-object": { flags: { "class-name": "Counter" } },
      workflow: { value: "flow", flags: { "class-name": "Flow", schedules: "0 * * * *" } },
      "mtls-certificate": { flags: { certificate: "c.pem", "private-key": "k.pem" } },
      hyperdrive: { value: "abc" },
      ratelimit: { value: "1001", flags: { "simple-limit": 10, "simple-period": 60 } },
      "secrets-store-secret": { value: "store", flags: { "secret-name": "s" } },
      vectorize: { value: "index" },
      "ai-search": { value: "docs" },
      "ai-search-namespace": { value: "docs" },
      "agent-memory": { value: "memory" },
      pipelines: { value: "stream" },
      k2: { value: "stream" },
      artifacts: { value: "default" },
      flagship: { flags: { "app-id": "abc" } },
      "dispatch-namespace": { flags: { namespace: "users" } },
      "vpc-service": { value: "abc" },
      "vpc-network": { flags: { "network-id": "abc" } },
      assets: { flags: { directory: "." } },
      connect: { flags: { protocol: "tcp" } },
      container: { flags: { image: "./Dockerfile", "max-instances": 2 } },
      cloudchamber: { name: null, flags: { memory: "1GB" } },
      logfwdr: { value: "logs" },
      unsafe: { value: "thing" },
    };
    const names: Record<string, string> = { connect: "8080", container: "Counter" };
    const rest = `\n[vars] # variables\nX = "1"\n\n# other environments\n[env.staging]\nprotected = true\n`;
    for (const { id, keys } of BINDING_KINDS) {
      const { selection, text } = toml(rest);
      const { value, flags = {}, name = names[id] ?? "NAME" } = typed[id] ?? {};
      const entry = readEntry(id, { ...(name !== null && { name }), value, flags });
      const added = await addBinding({ ...selection, kind: id, ...entry }).catch((error) => {
        throw new Error(`${id}: ${error.message} ${JSON.stringify(error.diagnostics)}`, { cause: error });
      });
      expect(text(), id).not.toBe(rest);
      await removeBinding({ ...selection, name: added.name });
      // A single table with more than its name keeps the rest.
      if (keys[0]!.form !== "single" || Object.keys(flags).length === 0) expect(text(), id).toBe(rest);
    }
  });
});

describe("on the command line", () => {
  it("adds, refuses, removes", async () => {
    const { selection, file, text } = toml("");
    const { cwd } = selection;
    const added = await troupeJson(["bindings", "add", "queue", "JOBS", "jobs", "--delivery-delay", "5"], { cwd });
    expect(added).toMatchObject({
      action: "added",
      service: "gateway",
      environment: "production",
      name: "JOBS",
      kind: "queue",
      entry: { binding: "JOBS", queue: "jobs", delivery_delay: 5 },
      location: { file, line: 5 },
    });
    const again = await troupe(["bindings", "add", "queue", "JOBS", "jobs"], { cwd });
    expect(again).toMatchObject({ code: 6, stdout: "" });
    expect(again.stderr).toContain("troupe.toml:5");

    const json = await troupe(["bindings", "add", "var", "LIMITS", '{"a":1}', "--json-value"], { cwd });
    expect(json).toMatchObject({ code: 0, stdout: "added var LIMITS to gateway@production (troupe.toml:11)\n" });
    expect(text()).toBe(
      `\n[[queues.producers]]\nbinding = "JOBS"\nqueue = "jobs"\ndelivery_delay = 5\n\n[vars]\nLIMITS = { a = 1 }\n`,
    );
    const removed = await troupe(["bindings", "remove", "JOBS"], { cwd });
    expect(removed.stdout).toBe("removed queue JOBS from gateway@production (troupe.toml:5)\n");
  });

  it("knows the flags of the kind, and says what is missing", async () => {
    const { cwd } = toml("").selection;
    const run = async (...args: string[]) => troupe(["bindings", "add", ...args], { cwd });
    const unknown = await run("kvv", "X");
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("did you mean kv?");
    expect((await run("--env", "production", "r2", "X", "--bucket-nam", "x")).stderr).toContain(
      "did you mean --bucket-name?",
    );
    expect((await run("hyperdrive", "DB")).stderr).toContain("<id> is missing");
    expect((await run("kv", "X", "id", "more")).code).toBe(2);
    expect((await run("version-metadata", "V", "x")).stderr).toContain("one argument too many");
    const help = await run("r2", "--help");
    expect(help.stdout).toContain("--bucket-name");
    expect(help.stdout).not.toContain("--class-name");
  });

  it("finds nothing to remove", async () => {
    const { cwd } = toml("").selection;
    const { code, stderr } = await troupe(["bindings", "remove", "X"], { cwd });
    expect(code).toBe(5);
    expect(stderr).toContain("has no binding X");
  });
});
