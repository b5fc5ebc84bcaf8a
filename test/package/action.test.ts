/** The script of the composite action, as a CI system runs it: against a store in a folder, and against Cloudflare's API. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ACCOUNT } from "../cloudflare/cloud.ts";
import { type CloudServer, TOKEN, testCloud } from "../cloudflare/server.ts";
import { BIN, ROOT } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";

const SCRIPT = path.join(ROOT, ".github/actions/deploy/run.sh");
const FILES = {
  "troupe.toml": `name = "shop"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[env.staging]\n`,
  "index.js": `export default { fetch: () => new Response("shop") };`,
};

interface Run {
  code: number;
  stdout: string;
  stderr: string;
  outputs: Record<string, string>;
}

async function run(cwd: string, inputs: Record<string, string>): Promise<Run> {
  const output = path.join(cwd, "outputs");
  writeFileSync(output, "");
  const env = {
    ...process.env,
    CI: "true",
    TROUPE_BIN: `${process.execPath} ${BIN}`,
    TROUPE_COMMAND: "deploy",
    TROUPE_FROM: "",
    TROUPE_SERVICES: "",
    TROUPE_TARGET: "local",
    TROUPE_API_TOKEN: "",
    TROUPE_ACCOUNT_ID: "",
    TROUPE_SECRETS: "",
    TROUPE_KEEP_RESOURCES: "false",
    TROUPE_ARGUMENTS: "",
    GITHUB_OUTPUT: output,
    ...inputs,
  };
  const ended = await new Promise<Omit<Run, "outputs">>((resolve) => {
    execFile("bash", [SCRIPT], { cwd, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
  const found = readFileSync(output, "utf8").matchAll(/^(\w+)<<(end-\S+)\n([\s\S]*?)\n\2$/gm);
  return { ...ended, outputs: Object.fromEntries([...found].map((match) => [match[1]!, match[3]!])) };
}

async function action(cwd: string, inputs: Record<string, string>): Promise<Record<string, string>> {
  const { code, stderr, outputs } = await run(cwd, inputs);
  expect(code, stderr).toBe(0);
  return outputs;
}

it("makes a preview, promotes, and deletes it again", async () => {
  const cwd = testFolder(FILES);
  const made = await action(cwd, { TROUPE_ENVIRONMENT: "pr-7", TROUPE_FROM: "staging" });
  expect(made.url).toMatch(/^http:\/\/pr-7--shop\.localhost/);
  expect(made.changed).toBe("true");
  expect(JSON.parse(made.deployments!).deployments[0]).toMatchObject({
    service: "shop",
    environment: "pr-7",
    version: 1,
  });
  expect(made.summary).toContain("| shop | pr-7 | 1 |");

  const again = await action(cwd, { TROUPE_ENVIRONMENT: "pr-7" });
  expect(again.changed).toBe("false");

  const promoted = await action(cwd, {
    TROUPE_COMMAND: "promote",
    TROUPE_FROM: "pr-7",
    TROUPE_ENVIRONMENT: "production",
  });
  expect(promoted.url).toMatch(/^http:\/\/shop\.localhost/);

  const gone = await action(cwd, { TROUPE_COMMAND: "delete", TROUPE_ENVIRONMENT: "pr-7" });
  expect(gone.summary).toContain("| shop | pr-7 | deleted | private |");
  const goneAlready = await run(cwd, { TROUPE_COMMAND: "delete", TROUPE_ENVIRONMENT: "pr-7" });
  expect(goneAlready).toMatchObject({ code: 0, outputs: { changed: "false" } });
  expect(goneAlready.stdout).toMatch(/^::notice::There is no .*pr-7/m);
});

it("fails with troupe's own error, in the log and as an annotation", async () => {
  const cwd = testFolder({ "troupe.toml": `name = "shop"\n` });
  const { code, stdout, stderr } = await run(cwd, { TROUPE_ENVIRONMENT: "pr-7" });
  expect(code).toBe(3);
  expect(stderr).toMatch(/"code":"CONFIG"/);
  const [, annotation] = /^::error::(.+)$/m.exec(stdout)!;
  const lines = annotation!.split("%0A");
  expect(new Set(lines.map((line) => line.replace(/^- /, ""))).size).toBe(lines.length);
});

it("fails for a command that there is not", async () => {
  const { code, stderr } = await run(testFolder(FILES), { TROUPE_COMMAND: "explode", TROUPE_ENVIRONMENT: "pr-7" });
  expect(code).toBe(2);
  expect(stderr).toContain('::error::unknown command "explode"');
});

describe("on Cloudflare", () => {
  const inputs = (server: CloudServer): Record<string, string> => ({
    TROUPE_TARGET: "cloudflare",
    TROUPE_API_TOKEN: TOKEN,
    TROUPE_ACCOUNT_ID: ACCOUNT,
    CLOUDFLARE_API_BASE_URL: server.url,
  });

  it("makes a preview with resources and secrets of its own, promotes what was merged, and leaves nothing", async () => {
    const server = await testCloud();
    const names = () => [...server.cloud.scripts.keys()].sort();
    const cwd = testFolder({
      ...FILES,
      "troupe.toml": `name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
kv_namespaces = [{ binding = "CACHE" }]
secrets = { required = ["TOKEN"] }
[env.staging]
`,
    });
    const common = { ...inputs(server), TROUPE_SECRETS: '{ "TOKEN": "s3cret" }' };
    const preview = { ...common, TROUPE_ENVIRONMENT: "pr-7", TROUPE_FROM: "staging" };
    server.fault = ({ number }) => (number === 3 ? { status: 500 } : undefined);
    const made = await action(cwd, preview);
    server.fault = undefined;
    expect(made).toMatchObject({ url: "https://shop-pr-7.acme.workers.dev", changed: "true" });
    expect(server.cloud.active("shop-pr-7")!.secrets).toEqual({ TOKEN: "s3cret" });
    expect(server.cloud.kv).toHaveLength(1);

    expect((await action(cwd, { ...preview, TROUPE_SECRETS: "" })).changed).toBe("false");
    writeFileSync(path.join(cwd, "index.js"), `export default { fetch: () => new Response("better") };`);
    expect(JSON.parse((await action(cwd, preview)).deployments!).deployments).toMatchObject([
      { environment: "pr-7", version: 2, previous: 1 },
    ]);

    for (const environment of ["staging", "production"]) {
      await action(cwd, { ...common, TROUPE_ENVIRONMENT: environment });
    }
    writeFileSync(path.join(cwd, "index.js"), `export default { fetch: () => new Response("merged") };`);
    await action(cwd, { ...common, TROUPE_ENVIRONMENT: "staging" });
    const promoted = await action(cwd, {
      ...inputs(server),
      TROUPE_COMMAND: "promote",
      TROUPE_FROM: "staging",
      TROUPE_ENVIRONMENT: "production",
    });
    expect(promoted.url).toBe("https://shop.acme.workers.dev");
    expect(server.cloud.active("shop")!.parts["index.js"]!.contents.toString()).toContain("merged");

    const gone = { ...inputs(server), TROUPE_COMMAND: "delete", TROUPE_ENVIRONMENT: "pr-7" };
    expect((await action(cwd, gone)).summary).toContain("| shop | pr-7 | deleted | private |");
    expect(names()).toEqual(["shop", "shop-staging"]);
    expect(server.cloud.kv).toHaveLength(2);
    // Closed twice, or never deployed.
    expect((await action(cwd, gone)).changed).toBe("false");
  });

  it("says what is wrong with the token", async () => {
    const server = await testCloud();
    const cwd = testFolder(FILES);
    const { code, stdout } = await run(cwd, {
      ...inputs(server),
      TROUPE_API_TOKEN: "wrong",
      TROUPE_ENVIRONMENT: "production",
    });
    expect(code).toBe(7);
    expect(stdout).toMatch(/^::error::.*Authentication error.*%0A.*troupe whoami/m);
    expect(stdout).not.toContain("wrong");
  });
});
