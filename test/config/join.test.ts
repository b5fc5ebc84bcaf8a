/** `[workspace.services]`: environments with config files of their own. */
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { loadWorkspace } from "../../src/config/index.ts";
import type { TroupeError } from "../../src/errors.ts";
import { addBinding, removeBinding } from "../../src/ops/bindings-edit.ts";
import { explainConfig } from "../../src/ops/config.ts";
import { testFolder } from "../support/files.ts";

const file = (name: string, more = "") =>
  `name = "${name}"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n${more}`;
const ROOT = '[workspace]\nmembers = ["wrangler.toml"]\n[workspace.services.shop]\n';

function folder(root: string, files: Record<string, string> = {}): string {
  return testFolder({ "troupe.toml": root, "index.js": "", "wrangler.toml": file("shop"), ...files });
}

async function fault(cwd: string): Promise<{ code: string; message: string; line: number | undefined }> {
  const error = await loadWorkspace({ cwd, processEnv: {} }).then(
    () => expect.unreachable(),
    (reason: TroupeError) => reason,
  );
  const [{ code, message, location }] = error.diagnostics as [(typeof error.diagnostics)[0]];
  return { code, message, line: location?.line };
}

describe("what is wrong is told where it is written", () => {
  test("a file with environments itself", async () => {
    const cwd = folder(`${ROOT}staging = "s.toml"\n`, { "s.toml": file("shop-staging", "[env.x]\n") });
    expect(await fault(cwd)).toMatchObject({ code: "nested-environments", line: 4 });
  });

  test("an environment that the service's own file has", async () => {
    const cwd = folder(`${ROOT}staging = "wrangler.s.toml"\n`, {
      "wrangler.toml": file("shop", "[env.staging]\n"),
      "wrangler.s.toml": file("shop-staging"),
    });
    expect(await fault(cwd)).toMatchObject({ code: "duplicate-environment", line: 4 });
  });

  test("a service that there is not, unless its production is named", async () => {
    const missing = '[workspace]\nmembers = ["wrangler.toml"]\n[workspace.services.other]\n';
    const files = { "wrangler.s.toml": file("o-staging"), "wrangler.p.toml": file("o-production") };
    const cwd = folder(`${missing}staging = "wrangler.s.toml"\n`, files);
    expect(await fault(cwd)).toMatchObject({ code: "no-service", line: 4 });
    const named = folder(`${missing}staging = "wrangler.s.toml"\nproduction = "wrangler.p.toml"\n`, files);
    const { workspace } = await loadWorkspace({ cwd: named, processEnv: {} });
    expect(workspace.services[1]).toMatchObject({
      name: "other",
      defaultEnvironment: "production",
      environments: {
        production: { scriptName: "o-production" },
        staging: { scriptName: "o-staging", service: "other" },
      },
    });
  });

  test("a file that there is not, and a name that cannot be", async () => {
    expect(await fault(folder(`${ROOT}staging = "gone.toml"\n`))).toMatchObject({ code: "unreadable" });
    const cwd = folder(`${ROOT}Staging = "wrangler.s.toml"\n`, { "wrangler.s.toml": file("s") });
    expect(await fault(cwd)).toMatchObject({ code: "invalid-name", line: 4 });
  });
});

test("asking for the environment does not turn other files' top levels into it", async () => {
  const cwd = folder(`${ROOT}staging = "wrangler.s.toml"\n`, { "wrangler.s.toml": file("shop-staging") });
  const { workspace } = await loadWorkspace({ cwd, env: "staging", processEnv: {} });
  const [{ environments }] = workspace.services as [(typeof workspace.services)[0]];
  expect(Object.values(environments).map(({ name, scriptName }) => [name, scriptName])).toEqual([
    ["production", "shop"],
    ["staging", "shop-staging"],
  ]);
});

test("in the folder of its file an environment is the default", async () => {
  const cwd = folder(`${ROOT}staging = "staging/wrangler.toml"\n`, {
    "staging/wrangler.toml": file("shop-staging"),
    "staging/index.js": "",
  });
  mkdirSync(path.join(cwd, "staging/src"));
  const { workspace } = await loadWorkspace({ cwd: path.join(cwd, "staging/src"), processEnv: {} });
  expect(workspace).toMatchObject({ root: cwd, current: "shop", services: [{ defaultEnvironment: "staging" }] });
});

test("what it says is its own, and edits go into its file", async () => {
  const cwd = folder(`${ROOT}staging = "wrangler.s.toml"\n`, {
    "wrangler.s.toml": file("shop-staging", '[vars]\nWHO = "staging"\n'),
  });
  const [explanation] = (await explainConfig({ cwd, env: "staging", processEnv: {} }, "vars.WHO")).explanations;
  expect(explanation).toMatchObject({ value: "staging", environment: "staging", inherited: false });

  const selection = { cwd, env: "staging", processEnv: {} };
  await addBinding({ ...selection, kind: "var", name: "MORE", entry: "x" });
  expect(readFileSync(path.join(cwd, "wrangler.s.toml"), "utf8")).toContain('MORE = "x"');
  await removeBinding({ ...selection, name: "WHO" });
  expect(readFileSync(path.join(cwd, "wrangler.s.toml"), "utf8")).not.toContain("WHO");
  expect(readFileSync(path.join(cwd, "wrangler.toml"), "utf8")).toBe(file("shop"));
});
