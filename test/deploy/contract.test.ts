/** What scripts may rely on in `troupe deploy --json`: the same fields from every target, as docs/cli.md has them. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { testCloud } from "../cloudflare/server.ts";
import { type CliOptions, ROOT, troupe } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";

const CHANGE = z.strictObject({
  service: z.string(),
  environment: z.string(),
  version: z.int().min(1),
  changed: z.boolean(),
  previous: z.int().min(1).optional(),
  hostname: z.string().optional(),
  url: z.url().optional(),
  routes: z.array(z.string()),
  contentHash: z.string().regex(/^[0-9a-f]{64}$/),
  size: z.int().min(0),
  changes: z.array(z.string()),
});
const RESULT = z.strictObject({ format: z.literal(1), deployments: z.array(CHANGE) });
const FAULT = {
  code: z.string(),
  message: z.string(),
  location: z.unknown().optional(),
  notes: z.array(z.string()).optional(),
};
const ERROR = z.strictObject({
  error: z.strictObject({
    ...FAULT,
    diagnostics: z.array(z.looseObject({ severity: z.string(), message: z.string() })).optional(),
  }),
});
const WARNING = z.strictObject({ warning: z.strictObject(FAULT) });

test("docs/cli.md has the version and every field", () => {
  const page = readFileSync(path.join(ROOT, "docs/cli.md"), "utf8");
  const section = page.split(/^## /m).find((each) => each.startsWith("troupe deploy\n"))!;
  expect(section).toContain("`{format: 1, deployments: [CHANGE]}`");
  const written = /`CHANGE` is\s+`\{([^}]+)\}`/.exec(section)![1]!;
  expect(written.split(/,\s*/).sort()).toEqual(
    Object.entries(CHANGE.shape)
      .map(([field, schema]) => (schema.isOptional() ? `${field}?` : field))
      .sort(),
  );
});

describe.each(["local", "cloudflare"])("%s", (target) => {
  let options: CliOptions;
  beforeEach(async () => {
    const cwd = testFolder({
      "troupe.toml": '[workspace]\nmembers = ["*"]\n',
      "auth/troupe.toml": 'name = "auth"\nmain = "index.js"\nworkers_dev = false\n',
      "auth/index.js": "export default { fetch: () => new Response('auth') };",
      "gateway/troupe.toml": `name = "gateway"
main = "index.js"
compatibility_date = "2026-11-01"
services = [{ binding = "AUTH", service = "auth" }]
`,
      "gateway/index.js": "export default { fetch: () => new Response('gateway') };",
    });
    options = { cwd, env: { CI: "true", ...(target === "cloudflare" && (await testCloud()).env) } };
  });

  async function deploy(...flags: string[]) {
    const { code, stdout, stderr } = await troupe(["deploy", "--target", target, "--json", ...flags], options);
    const said = stderr.trim() === "" ? [] : stderr.trim().split("\n");
    return { code, stdout, said: said.map((line) => JSON.parse(line)) };
  }

  test("a deploy, one that changes nothing, one that changes something, and a dry run", async () => {
    const first = await deploy();
    expect(first.code).toBe(0);
    // Without a compatibility date, it says so.
    expect(first.said).toHaveLength(1);
    WARNING.parse(first.said[0]);
    const { deployments } = RESULT.parse(JSON.parse(first.stdout));
    expect(deployments).toMatchObject([
      { service: "auth", environment: "production", version: 1, changed: true, routes: [] },
      { service: "gateway", environment: "production", version: 1, changed: true },
    ]);
    expect(deployments[0]).not.toHaveProperty("url");
    expect(deployments[0]).not.toHaveProperty("previous");
    expect(deployments[1]!.url).toContain(deployments[1]!.hostname);

    const again = RESULT.parse(JSON.parse((await deploy()).stdout)).deployments;
    expect(again.map(({ changed, version, contentHash }) => [changed, version, contentHash])).toEqual(
      deployments.map(({ contentHash }) => [false, 1, contentHash]),
    );

    writeFileSync(
      path.join(options.cwd!, "gateway/index.js"),
      "export default { fetch: () => new Response('better') };",
    );
    for (const flags of [["--dry-run"], []]) {
      const result = RESULT.parse(JSON.parse((await deploy(...flags)).stdout));
      expect(result.deployments).toMatchObject([
        { service: "auth", version: 1, changed: false, changes: [] },
        { service: "gateway", version: 2, previous: 1, changed: true, changes: ["code"] },
      ]);
    }
  });

  test.each([
    ["a flag that there is not", ["--nope"], 2, "USAGE"],
    ["a service that there is not", ["--service", "nobody"], 5, "NOT_FOUND"],
  ])("%s", async (_what, flags, exit, code) => {
    const { code: ended, stdout, said } = await deploy(...flags);
    expect(ended).toBe(exit);
    expect(stdout).toBe("");
    expect(ERROR.parse(said.at(-1)).error.code).toBe(code);
  });

  test("code that does not build", async () => {
    writeFileSync(path.join(options.cwd!, "gateway/index.js"), "export default {");
    const { code, stdout, said } = await deploy();
    expect(code).toBe(4);
    expect(stdout).toBe("");
    expect(ERROR.parse(said.at(-1)).error.code).toBe("BUILD");
  });
});
