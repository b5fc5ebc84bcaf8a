/** Every template: a whole project, which type-checks and passes its own test exactly as `troupe init` writes it. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TEMPLATE_NAMES } from "../../src/ops/init/templates.ts";
import { type CliResult, ROOT, troupe } from "../support/cli.ts";
import { makeFolder, removeFolder } from "../support/files.ts";

const run = promisify(execFile);

/** What `npm install` would put there, without the wait: our own copies. */
function installPackages(project: string): void {
  mkdirSync(path.join(project, "node_modules/@cloudflare"), { recursive: true });
  symlinkSync(ROOT, path.join(project, "node_modules/troupe"));
  for (const name of ["hono", "@cloudflare/workers-types"]) {
    symlinkSync(path.join(ROOT, "node_modules", name), path.join(project, "node_modules", name));
  }
}

function configsIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((file) => path.basename(file) === "troupe.toml")
    .map((file) => path.join(dir, file));
}

describe.each(TEMPLATE_NAMES)("troupe init --template %s", (template) => {
  let dir: string;
  let project: string;
  let result: CliResult;
  const read = (file: string) => readFileSync(path.join(project, file), "utf8");

  beforeAll(async () => {
    dir = makeFolder();
    project = path.join(dir, "my-shop");
    result = await troupe(["init", "my-shop", "--template", template], { cwd: dir });
  });
  afterAll(() => removeFolder(dir));

  test("writes a whole project and says what comes next", () => {
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/Next:\n {2}cd my-shop\n {2}npm install\n {2}npx troupe dev\n$/);
    expect(read(".gitignore").split("\n")).toEqual(expect.arrayContaining(["node_modules/", ".troupe/", ".dev.vars*"]));
    expect(JSON.parse(read("package.json"))).toMatchObject({
      name: "my-shop",
      scripts: { dev: "troupe dev", test: expect.any(String) },
      devDependencies: { troupe: expect.stringMatching(/^\^\d/), typescript: expect.any(String) },
    });
    expect(existsSync(path.join(project, "tsconfig.json"))).toBe(true);
    expect(existsSync(path.join(project, ".git"))).toBe(true);
    for (const file of configsIn(project)) {
      const [first] = readFileSync(file, "utf8").split("\n");
      // Editors look the schema up from the file's own folder.
      const schema = path.resolve(path.dirname(file), /^#:schema (.+)$/.exec(first!)![1]!);
      expect(path.relative(project, schema)).toBe("node_modules/troupe/dist/config-schema.json");
    }
  });

  test("has correct types, and a test that passes", { timeout: 90_000 }, async () => {
    installPackages(project);
    const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
    await run(process.execPath, [tsc, "--project", project]);
    // Without the variables by which a test runner knows that it runs inside another one.
    const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env;
    const { stdout } = await run(process.execPath, ["--test", "--test-reporter=tap"], { cwd: project, env });
    expect(stdout).toMatch(/^# pass [1-9]/m);
    expect(stdout).toMatch(/^# fail 0$/m);
  });
});
