/** Values of secrets are seen by code alone: not on a stream, not in a file, whatever is done with them. */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { parseEntries } from "../../src/ops/data/kv.ts";
import { parseSecrets } from "../../src/ops/secrets.ts";
import { troupe as binary, type CliOptions } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";
import { troupeHere } from "../support/here.ts";
import { deployShop, SECRETS, selectionOf, serviceFile, shopFiles } from "../targets/shop.ts";
import { readWhole } from "./whole.ts";

const VALUES = { put: "hunter2-put-value", bulk: "hunter2-bulk-value", file: "hunter2-file-value" };
const SEEN = /hunter2|t0ken/;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file).isFile());
}

test.each([
  `{ "TOKEN": { "inner": "${VALUES.put}" } }`,
  `{ "TOKEN": "${VALUES.put}`,
  `"${VALUES.put}`,
  `["${VALUES.put}"]`,
  "null",
])("what is no list of secrets is refused without repeating it: %s", (text) => {
  let error: unknown;
  try {
    parseSecrets(text, "stdin");
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ code: "USAGE", message: expect.not.stringMatching(SEEN) });
});

test("a byte order mark before them, as PowerShell writes it, is none of them", () => {
  expect(parseSecrets('\uFEFF{ "TOKEN": "a" }', "stdin")).toEqual({ TOKEN: "a" });
  expect(parseSecrets("\uFEFFTOKEN=a\n", "stdin")).toEqual({ TOKEN: "a" });
  expect(parseEntries(Buffer.from('\uFEFF[{ "key": "a", "value": "1" }]'))).toMatchObject([{ entry: { key: "a" } }]);
});

test("no stream and no file ever has one", { timeout: 60_000 }, async () => {
  const cwd = testFolder(shopFiles("troupe"));
  const state = path.join(cwd, ".troupe");
  await deployShop(selectionOf(cwd));
  const run = async (args: string[], options: CliOptions = {}, troupe = troupeHere) => {
    const { code, stdout, stderr } = await troupe([...args, "--verbose"], { cwd, ...options });
    expect(stdout + stderr, args.join(" ")).not.toMatch(SEEN);
    for (const file of filesBelow(state)) expect(readFileSync(file).toString("latin1"), file).not.toMatch(SEEN);
    return code;
  };
  const staging = ["-e", "staging", "-s", "auth"];
  expect(await run(["secret", "put", "EXTRA", ...staging], { input: VALUES.put }, binary)).toBe(0);
  expect(await run(["secret", "bulk", ...staging], { input: JSON.stringify({ MORE: VALUES.bulk }) })).toBe(0);
  writeFileSync(path.join(cwd, "secrets.env"), `TOKEN=${VALUES.file}\nUNUSED=${VALUES.file}\n`);
  // Of a file for several services, each gets what its code asks for.
  expect(await run(["deploy", "-e", "staging", "--secrets-file", "secrets.env", "--json"])).toBe(0);
  expect(readWhole(state)).toMatchObject({
    "auth@staging": { secrets: { TOKEN: VALUES.file, EXTRA: VALUES.put, MORE: VALUES.bulk } },
    "gateway@staging": { secrets: {} },
    "auth@production": { secrets: { TOKEN: SECRETS.production } },
  });
  for (const args of [
    ["secret", "list", ...staging],
    ["env", "show", "staging", "-s", "auth", "--json"],
    ["versions", "show", ...staging, "--json"],
    ["env", "clone", "staging", "pr-1", "--graph", "-s", "gateway"],
    ["env", "diff", "staging", "pr-1", "-s", "auth"],
    ["rollback", "1", ...staging],
  ]) {
    expect(await run(args), args.join(" ")).toBe(0);
  }
  expect(readWhole(state)["auth@pr-1"]!.secrets).toEqual({
    TOKEN: VALUES.file,
    EXTRA: VALUES.put,
    MORE: VALUES.bulk,
  });
  expect(readWhole(state)["auth@staging"]!.secrets).toEqual({ TOKEN: SECRETS.staging });
  expect(statSync(path.join(state, "secret.key")).mode & 0o777).toBe(0o600);

  // Input that is wrong, and code that throws with one at hand.
  expect(await run(["secret", "bulk", ...staging], { input: `{ "TOKEN": "${VALUES.put}" ` })).toBe(2);
  writeFileSync(path.join(cwd, "secrets.json"), `{ "TOKEN": "${VALUES.put}"`);
  expect(await run(["deploy", "-e", "staging", "--secrets-file", "secrets.json"])).toBe(2);
  expect(await run(["deploy", "-e", "staging", "--secrets-file", "none.json"])).toBe(5);
  writeFileSync(serviceFile(cwd, "auth"), "throw new Error(1);\nexport default {};\n");
  expect(await run(["deploy", "-e", "staging", "--secrets-file", "secrets.env"], {}, binary)).toBe(4);
});
