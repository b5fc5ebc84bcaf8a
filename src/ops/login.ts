/** Who speaks to Cloudflare from this machine: a token is checked, kept, looked at, or forgotten. */
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { type Diagnostic, TroupeError } from "../errors.ts";
import { replaceFile } from "../lib/replace-file.ts";
import { type Account, accountFrom, baseUrlOf, loginFile } from "../targets/cloudflare/account.ts";
import { Api } from "../targets/cloudflare/client.ts";
import { type AccountInfo, type Identity, identify, seesWorkers } from "../targets/cloudflare/identity.ts";
import { configuredAccount } from "../targets/cloudflare/open.ts";
import { readableWorkspace, type TargetSelection } from "./target.ts";

type ProcessEnv = Record<string, string | undefined>;

export interface LoginOptions {
  processEnv: ProcessEnv;
  token: string;
  /** Id or name. */
  account?: string;
  /** Asks which of several accounts is meant, and gives its id; absent: nobody is there to be asked. */
  choose?(accounts: readonly AccountInfo[]): Promise<string>;
}

export interface LoginReport {
  /** Where the token is kept. */
  file: string;
  account: AccountInfo;
  identity: Identity;
  warnings: Diagnostic[];
}

/**
 * Keeps a token that Cloudflare accepts, with the account that is meant. What was kept before is replaced, or stays when
 * anything is wrong.
 * @throws TroupeError USAGE, AUTH, NOT_FOUND, UNREACHABLE
 */
export async function login(options: LoginOptions): Promise<LoginReport> {
  const { processEnv } = options;
  const token = options.token.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new TroupeError("USAGE", token === "" ? "No token was given" : "What was given cannot be a token", {
      notes: ["Pipe it: troupe login --token-stdin < token.txt", "A token is one word, without quotes"],
    });
  }
  const api = await Api.open({ token, baseUrl: baseUrlOf(processEnv), source: "login" });
  const identity = await identify(api, options.account ?? processEnv.CLOUDFLARE_ACCOUNT_ID);
  const account = await chooseAmong(identity.accounts, options);
  const file = loginFile(processEnv);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  // Nobody else may read it, from its first byte on.
  await replaceFile(file, `${JSON.stringify({ token, accountId: account.id }, null, 2)}\n`, { mode: 0o600 });
  const warnings: Diagnostic[] = [];
  const warn = (code: string, message: string, note: string) =>
    warnings.push({ severity: "warning", code, message, notes: [note] });
  if (!(await seesWorkers(api, account.id))) {
    warn(
      "token-without-workers",
      `The token may not read the Workers of ${account.name}: it will not do for deploying`,
      "Make one from the template “Edit Cloudflare Workers”: https://dash.cloudflare.com/profile/api-tokens",
    );
  }
  if (processEnv.CLOUDFLARE_API_TOKEN) {
    warn(
      "token-from-environment",
      "CLOUDFLARE_API_TOKEN is set, and wins over what is kept",
      "Unset it to use what was kept now",
    );
  }
  return { file, account, identity, warnings };
}

/** @throws TroupeError USAGE when there is a choice and nobody to make it, NOT_FOUND for one that is not among them */
async function chooseAmong(
  accounts: readonly AccountInfo[],
  { account: named, choose, processEnv }: LoginOptions,
): Promise<AccountInfo> {
  const wanted = named ?? processEnv.CLOUDFLARE_ACCOUNT_ID;
  const list = accounts.map(({ id, name }) => `${id}  ${name}`);
  if (wanted) {
    const found = accounts.find(({ id, name }) => id === wanted || name === wanted);
    if (found) return found;
    // A token need not be allowed to list the account that it is for.
    if (accounts.length === 0 && /^[0-9a-f]{32}$/.test(wanted)) return { id: wanted, name: wanted };
    throw new TroupeError("NOT_FOUND", `The token does not see an account "${wanted}"`, { notes: list });
  }
  const [first, ...others] = accounts;
  if (!first) {
    throw new TroupeError("AUTH", "The token sees no account", {
      notes: ["Name it: --account ID", "Or give the token the permission to read the account's settings"],
    });
  }
  if (others.length === 0) return first;
  if (!choose) {
    throw new TroupeError("USAGE", "The token sees several accounts: name one with --account", { notes: list });
  }
  const id = await choose(accounts);
  return accounts.find((each) => each.id === id) ?? first;
}

/** @returns whether there was anything to forget */
export async function logout(processEnv: ProcessEnv): Promise<{ file: string; loggedOut: boolean }> {
  const file = loginFile(processEnv);
  try {
    await rm(file);
    return { file, loggedOut: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { file, loggedOut: false };
    throw error;
  }
}

export interface WhoamiReport extends Identity {
  source: Account["source"];
  /** Where the token is kept, when it is. */
  file?: string;
  /** Base URL of the API. */
  api: string;
  /** The account that commands use; absent: the token sees several, and none was named. */
  accountId?: string;
  warnings: Diagnostic[];
}

/** @throws TroupeError AUTH when nobody is logged in, or the token is no good; UNREACHABLE */
export async function whoami(selection: TargetSelection): Promise<WhoamiReport> {
  const { processEnv } = selection;
  const configured = configuredAccount(await readableWorkspace(selection));
  const account = accountFrom(processEnv, configured);
  const identity = await identify(await Api.open(account), account.accountId);
  const { accounts } = identity;
  const accountId = account.accountId ?? (accounts.length === 1 ? accounts[0]!.id : undefined);
  const warnings: Diagnostic[] = [];
  if (account.accountId && accounts.length > 0 && !accounts.some(({ id }) => id === account.accountId)) {
    warnings.push({
      severity: "warning",
      code: "account-not-seen",
      message: `The token does not see the account ${account.accountId}`,
      notes: [
        configured !== undefined
          ? "The config names it: account_id"
          : processEnv.CLOUDFLARE_ACCOUNT_ID
            ? "CLOUDFLARE_ACCOUNT_ID names it"
            : "Run `troupe login` again to choose another",
      ],
    });
  }
  return {
    source: account.source,
    ...(account.source === "login" && { file: loginFile(processEnv) }),
    api: account.baseUrl,
    ...identity,
    ...(accountId && { accountId }),
    warnings,
  };
}
