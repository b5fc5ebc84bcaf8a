/** The script of the composite action, as a CI system runs it, against a store in a folder. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { BIN, ROOT } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";

const SCRIPT = path.join(ROOT, ".github/actions/deploy/run.sh");

async function action(cwd: string, inputs: Record<string, string>): Promise<Record<string, string>> {
  const output = path.join(cwd, "outputs");
  writeFileSync(output, "");
  await promisify(execFile)("bash", [SCRIPT], {
    cwd,
    env: {
      ...process.env,
      CI: "true",
      TROUPE_BIN: `${process.execPath} ${BIN}`,
      TROUPE_COMMAND: "deploy",
      TROUPE_FROM: "",
      TROUPE_SERVICES: "",
      TROUPE_TARGET: "local",
      TROUPE_ARGUMENTS: "",
      GITHUB_OUTPUT: output,
      ...inputs,
    },
  });
  const found = readFileSync(output, "utf8").matchAll(/^(\w+)<<(end-\S+)\n([\s\S]*?)\n\2$/gm);
  return Object.fromEntries([...found].map((match) => [match[1]!, match[3]!]));
}

it("makes a preview, promotes, and deletes it again", async () => {
  const cwd = testFolder({
    "troupe.toml": `name = "shop"\nmain = "index.js"\ncompatibility_date = "2026-11-01"\n[env.staging]\n`,
    "index.js": `export default { fetch: () => new Response("shop") };`,
  });
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
});

it("fails with troupe's own error", async () => {
  const cwd = testFolder({ "troupe.toml": `name = "shop"\n` });
  await expect(action(cwd, { TROUPE_ENVIRONMENT: "pr-7" })).rejects.toThrow(/"code":"CONFIG"/);
});
