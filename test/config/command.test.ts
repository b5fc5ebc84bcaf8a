/** The config commands, as a person sees them. */
import { expect, it } from "vitest";
import { troupe, troupeJson } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";

const SHOP = `name = "shop"
main = "src/index.ts"
compatibility_date = "2026-11-01"

[vars]
GREETING = "hello"

[[kv_namespaces]]
binding = "CACHE"
id = "cache"

[env.staging.vars]
GREETING = "hi"
`;

const project = (config: string) => testFolder({ "troupe.toml": config, "src/index.ts": "export default {};\n" });

it("`config` prints TOML that could be written like that, and where resources lead", async () => {
  const { stdout, stderr, code } = await troupe(["config", "-e", "staging"], { cwd: project(SHOP) });
  expect(stderr).toBe("");
  expect(code).toBe(0);
  expect(stdout).toBe(`# shop@staging, from troupe.toml
# other environments: production
name = "shop"
main = "src/index.ts"
compatibility_date = "2026-11-01"

[vars]
GREETING = "hi"

[[kv_namespaces]]
binding = "CACHE"
id = "cache"

# CACHE → kv cache@staging (inherited)
`);
});

it("`config explain` says where a value is from, and what it replaced", async () => {
  const { stdout } = await troupe(["config", "explain", "GREETING", "-e", "staging"], { cwd: project(SHOP) });
  expect(stdout).toBe(`vars.GREETING = "hi"  shop@staging
  troupe.toml:13:1 (staging)
  instead of "hello" at troupe.toml:6:1 (production)
`);
});

it("`config schema` prints a JSON Schema", async () => {
  const schema = await troupeJson<{ $schema: string }>(["config", "schema"], { cwd: project(SHOP) });
  expect(schema.$schema).toBe("http://json-schema.org/draft-07/schema#");
});

it("every mistake is shown at once, each with its place", async () => {
  const { stdout, stderr, code } = await troupe(["config"], {
    cwd: project(`${SHOP}\n[env.preview]\nminfy = true\nextends = "stagin"\n`),
  });
  expect(code).toBe(3);
  expect(stdout).toBe("");
  expect(stderr.replace(/^ +/gm, "")).toContain(`error: \`env.preview\` has no key \`minfy\`
--> troupe.toml:16:1
|
16 | minfy = true
| ^^^^^
help: did you mean \`minify\`?
`);
  expect(stderr).toContain('There is no environment "stagin" to extend');
  expect(stderr).toContain("2 errors in the config");
});

it("an unknown environment is not found, with a guess", async () => {
  const { stderr, code } = await troupe(["config", "-e", "stagin", "--json"], { cwd: project(SHOP) });
  expect(code).toBe(5);
  expect(JSON.parse(stderr).error).toMatchObject({
    code: "NOT_FOUND",
    message: 'shop has no environment "stagin"',
    notes: ['did you mean "staging"?', "environments: production, staging"],
  });
});
