/** Who speaks to Cloudflare: `troupe login`, `logout` and `whoami`. */
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { main } from "../../src/main.ts";
import { troupeJson as binary, type CliOptions } from "../support/cli.ts";
import { testFolder } from "../support/files.ts";
import { troupeHere as troupe, troupeJsonHere as troupeJson } from "../support/here.ts";
import { ACCOUNT } from "./cloud.ts";
import { type CloudServer, TOKEN, testCloud } from "./server.ts";

const OTHER = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

let server: CloudServer;
let home: string;

beforeEach(async () => {
  server = await testCloud();
  home = testFolder();
});

/** Without any variable that names a token or an account. */
function options(more: CliOptions = {}): CliOptions {
  const env = {
    CLOUDFLARE_API_BASE_URL: server.url,
    CLOUDFLARE_API_TOKEN: undefined,
    CLOUDFLARE_ACCOUNT_ID: undefined,
    XDG_CONFIG_HOME: home,
    ...more.env,
  };
  return { cwd: home, ...more, env };
}

const kept = () => path.join(home, "troupe/cloudflare.json");
const error = (stderr: string) => JSON.parse(stderr.trim().split("\n").at(-1)!).error;
const twoAccounts = () => server.cloud.accounts.push({ id: OTHER, name: "Beta", roles: [] });

describe("login", () => {
  test("keeps a token from stdin for this user only, and whoami tells whose it is", async () => {
    const result = await binary(["login", "--token-stdin"], options({ input: `${TOKEN}\n` }));
    expect(result).toEqual({ file: kept(), account: { id: ACCOUNT, name: "Acme" }, email: "dev@example.com" });
    expect(statSync(kept()).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(kept())).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(kept(), "utf8"))).toEqual({ token: TOKEN, accountId: ACCOUNT });
    expect(await binary(["whoami"], options())).toEqual({
      source: "login",
      file: kept(),
      api: server.url,
      tokenType: "user",
      tokenId: "token",
      email: "dev@example.com",
      accounts: [{ id: ACCOUNT, name: "Acme", roles: ["Administrator"] }],
      accountId: ACCOUNT,
    });
  });

  test("says so to a person, and never shows the token", async () => {
    const { code, stdout, stderr } = await troupe(["login"], options({ input: TOKEN }));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(`Logged in as dev@example.com to the account Acme ${ACCOUNT}`);
    expect(stdout).not.toContain(TOKEN);
  });

  test("narrows the permissions of a file that others could read", async () => {
    await troupeJson(["login"], options({ input: TOKEN }));
    writeFileSync(kept(), "{}", { mode: 0o644 });
    chmodSync(kept(), 0o644);
    await troupeJson(["login"], options({ input: TOKEN }));
    expect(statSync(kept()).mode & 0o777).toBe(0o600);
  });

  test.each([
    ["a wrong token", "wrong", "AUTH", 7],
    ["no token", "", "USAGE", 2],
    ["what cannot be a token", "two words", "USAGE", 2],
  ])("keeps nothing of %s", async (_what, input, code, exit) => {
    const result = await troupe(["login", "--json"], options({ input }));
    expect(result.code).toBe(exit);
    expect(error(result.stderr)).toMatchObject({ code, notes: expect.arrayContaining([expect.any(String)]) });
    expect(existsSync(kept())).toBe(false);
  });

  test("keeps what was there when the new token is refused", async () => {
    await troupeJson(["login"], options({ input: TOKEN }));
    expect((await troupe(["login"], options({ input: "wrong" }))).code).toBe(7);
    expect(JSON.parse(readFileSync(kept(), "utf8")).token).toBe(TOKEN);
  });

  test.each(["disabled", "expired"] as const)("refuses a token that is %s", async (status) => {
    server.cloud.token.status = status;
    const { code, stderr } = await troupe(["login"], options({ input: TOKEN }));
    expect(code).toBe(7);
    expect(stderr).toContain(`The token is ${status}`);
  });

  test("names the accounts where there are several and nobody to ask", async () => {
    twoAccounts();
    const { code, stderr } = await troupe(["login", "--json"], options({ input: TOKEN }));
    expect(code).toBe(2);
    expect(error(stderr)).toMatchObject({ code: "USAGE", notes: [`${ACCOUNT}  Acme`, `${OTHER}  Beta`] });
    for (const account of [OTHER, "Beta"]) {
      const result = await troupeJson<{ account: unknown }>(["login", "--account", account], options({ input: TOKEN }));
      expect(result.account).toEqual({ id: OTHER, name: "Beta" });
    }
    const env = { CLOUDFLARE_ACCOUNT_ID: ACCOUNT };
    expect(await troupeJson(["login"], options({ input: TOKEN, env }))).toMatchObject({ account: { id: ACCOUNT } });
    const unknown = await troupe(["login", "--account", "Gamma", "--json"], options({ input: TOKEN }));
    expect(error(unknown.stderr)).toMatchObject({ code: "NOT_FOUND", notes: [`${ACCOUNT}  Acme`, `${OTHER}  Beta`] });
  });

  test("warns of a token that is not for Workers, and of the variable that wins", async () => {
    server.fault = ({ path: asked }) => (/\/workers\//.test(asked) ? { status: 403, code: 10000 } : undefined);
    const env = { CLOUDFLARE_API_TOKEN: TOKEN };
    const { code, stderr } = await troupe(["login", "--json"], options({ input: TOKEN, env }));
    expect(code).toBe(0);
    const codes = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).warning.code);
    expect(codes).toEqual(["token-without-workers", "token-from-environment"]);
  });

  test("asks on a terminal, shows nothing of the answer, and lets choose among accounts", async () => {
    twoAccounts();
    const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
    const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 100 });
    const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 100 });
    const answers: [string, string[]][] = [
      ["API token", [...TOKEN, "\r"]],
      ["Which account?", ["\u001b[B", "\r"]],
    ];
    let said = "";
    stdout.on("data", (chunk) => {
      said += chunk;
    });
    stderr.on("data", (chunk) => {
      said += chunk;
      setImmediate(() => {
        if (!answers[0] || !stripVTControlCharacters(said).includes(answers[0][0])) return;
        for (const key of answers.shift()![1]) stdin.write(key);
      });
    });
    const code = await main(["login"], {
      cwd: home,
      env: { NO_COLOR: "1", CLOUDFLARE_API_BASE_URL: server.url, XDG_CONFIG_HOME: home },
      stdin,
      stdout,
      stderr,
      now: () => new Date(),
      fetch,
      signal: new AbortController().signal,
      crash: new Promise<never>(() => {}),
    });
    expect(code).toBe(0);
    expect(JSON.parse(readFileSync(kept(), "utf8"))).toEqual({ token: TOKEN, accountId: OTHER });
    expect(stripVTControlCharacters(said)).not.toContain(TOKEN);
    expect(said).toContain("dash.cloudflare.com/profile/api-tokens");
  });

  test("asks nobody in CI", async () => {
    const stream = () => Object.assign(new PassThrough(), { isTTY: true, columns: 100, setRawMode: () => {} });
    const stderr = stream();
    const code = await main(["login"], {
      cwd: home,
      env: { CI: "true", XDG_CONFIG_HOME: home },
      stdin: stream(),
      stdout: stream(),
      stderr,
      now: () => new Date(),
      fetch,
      signal: new AbortController().signal,
      crash: new Promise<never>(() => {}),
    });
    expect(code).toBe(2);
    expect(String(stderr.read())).toContain("set CLOUDFLARE_API_TOKEN instead");
  });
});

describe("whoami", () => {
  test("prefers the variables to what is kept", async () => {
    await troupeJson(["login"], options({ input: TOKEN }));
    twoAccounts();
    const found = await troupeJson(["whoami"], options({ env: { CLOUDFLARE_API_TOKEN: `${TOKEN}\n` } }));
    expect(found).toMatchObject({ source: "CLOUDFLARE_API_TOKEN", accounts: [{ id: ACCOUNT }, { id: OTHER }] });
    // The account that was chosen at the login belongs to that token.
    expect(found).not.toHaveProperty("accountId");
    expect(found).not.toHaveProperty("file");
    const env = { CLOUDFLARE_ACCOUNT_ID: OTHER };
    expect(await troupeJson(["whoami"], options({ env }))).toMatchObject({ source: "login", accountId: OTHER });
  });

  test("tells the permissions of a token that may read itself", async () => {
    Object.assign(server.cloud.token, {
      permissions: ["Workers Scripts Write", "D1 Write"],
      expires_on: "2027-05-01T00:00:00Z",
    });
    const env = { CLOUDFLARE_API_TOKEN: TOKEN };
    expect(await troupeJson(["whoami"], options({ env }))).toMatchObject({
      tokenName: "deploys",
      expiresOn: "2027-05-01T00:00:00Z",
      permissions: ["D1 Write", "Workers Scripts Write"],
    });
    const { stdout } = await troupe(["whoami"], options({ env }));
    expect(stdout).toMatch(
      /^Logged in as dev@example.com\nuser token “deploys”, from CLOUDFLARE_API_TOKEN, expires on 2027-05-01\n/,
    );
    expect(stdout).toMatch(new RegExp(`Acme +${ACCOUNT} +Administrator +used by commands`));
    expect(stdout).toContain("It may:\n  D1 Write\n  Workers Scripts Write\n");
  });

  test("knows a token of an account, and one that may read nothing but itself", async () => {
    server.cloud.token = { type: "account", status: "active", mayReadMemberships: false };
    const env = { CLOUDFLARE_API_TOKEN: TOKEN };
    const found = await troupeJson(["whoami"], options({ env }));
    expect(found).toMatchObject({ tokenType: "account", tokenId: "token", accounts: [{ id: ACCOUNT, name: "Acme" }] });
    expect(found).not.toHaveProperty("email");
    server.cloud.accounts = [];
    const named = { ...env, CLOUDFLARE_ACCOUNT_ID: ACCOUNT };
    expect(await troupeJson(["whoami"], options({ env: named }))).toMatchObject({ accounts: [], accountId: ACCOUNT });
    const { stdout } = await troupe(["whoami"], options({ env: named }));
    expect(stdout).toContain(`https://dash.cloudflare.com/${ACCOUNT}/api-tokens`);
  });

  test("takes the account of the config", async () => {
    twoAccounts();
    writeFileSync(path.join(home, "troupe.toml"), `name = "shop"\nmain = "index.js"\naccount_id = "${OTHER}"\n`);
    writeFileSync(path.join(home, "index.js"), "export default {};");
    const env = { CLOUDFLARE_API_TOKEN: TOKEN, CLOUDFLARE_ACCOUNT_ID: ACCOUNT };
    expect(await troupeJson(["whoami"], options({ env }))).toMatchObject({ accountId: OTHER });
  });

  test("warns of an account that the token does not see", async () => {
    const env = { CLOUDFLARE_API_TOKEN: TOKEN, CLOUDFLARE_ACCOUNT_ID: OTHER };
    const { stderr } = await troupe(["whoami", "--json"], options({ env }));
    expect(JSON.parse(stderr).warning.code).toBe("account-not-seen");
  });

  test.each<[string, Record<string, string>, string, number, RegExp]>([
    ["nobody is logged in", {}, "AUTH", 7, /Nobody is logged in/],
    ["the token is wrong", { CLOUDFLARE_API_TOKEN: "wrong" }, "AUTH", 7, /does not accept/],
    ["the token is two", { CLOUDFLARE_API_TOKEN: "one\ntwo" }, "AUTH", 7, /more than a token/],
    ["the account is no id", { CLOUDFLARE_API_TOKEN: TOKEN, CLOUDFLARE_ACCOUNT_ID: "../zones" }, "USAGE", 2, /no id/],
    ["the API's address is none", { CLOUDFLARE_API_TOKEN: TOKEN, CLOUDFLARE_API_BASE_URL: "x" }, "USAGE", 2, /no URL/],
  ])("fails when %s", async (_what, env, code, exit, message) => {
    const result = await troupe(["whoami", "--json"], options({ env }));
    expect(error(result.stderr)).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error(result.stderr).notes.length).toBeGreaterThan(0);
    expect(result.code).toBe(exit);
  });

  test("fails when nobody answers, after having tried again", async () => {
    await server.close();
    const result = await troupe(["whoami", "--json"], options({ env: { CLOUDFLARE_API_TOKEN: TOKEN } }));
    expect(error(result.stderr)).toMatchObject({ code: "UNREACHABLE", message: expect.stringMatching(/ECONNREFUSED/) });
    expect(result.code).toBe(8);
  });

  test("says that a file without a token is none", async () => {
    await troupeJson(["login"], options({ input: TOKEN }));
    writeFileSync(kept(), "{");
    const { code, stderr } = await troupe(["whoami"], options());
    expect(code).toBe(7);
    expect(stderr).toContain("Run `troupe login` again");
  });

  test("tries again when the API is busy", async () => {
    let refused = 0;
    server.fault = () => (refused++ < 2 ? { status: 429, headers: { "retry-after": "0" } } : undefined);
    const env = { CLOUDFLARE_API_TOKEN: TOKEN };
    expect(await troupeJson(["whoami"], options({ env }))).toMatchObject({ email: "dev@example.com" });
  });
});

test("logout deletes the token, once", async () => {
  await troupeJson(["login"], options({ input: TOKEN }));
  expect(await binary(["logout"], options())).toEqual({ file: kept(), loggedOut: true });
  expect(existsSync(kept())).toBe(false);
  expect(await troupeJson(["logout"], options())).toEqual({ file: kept(), loggedOut: false });
  const { code, stderr } = await troupe(["logout"], options({ env: { CLOUDFLARE_API_TOKEN: TOKEN } }));
  expect(code).toBe(0);
  expect(stderr).toContain("CLOUDFLARE_API_TOKEN is set");
});
