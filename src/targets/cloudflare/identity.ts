/** Whom a token speaks for, and what it may do: as much of that as the API tells it. */
import { TroupeError } from "../../errors.ts";
import type { Api } from "./client.ts";

export interface AccountInfo {
  id: string;
  name: string;
  /** Of the token's user in it; absent when the token may not read memberships. */
  roles?: string[];
}

export interface Identity {
  /** A token belongs to a user, or to an account. */
  tokenType: "user" | "account";
  tokenId?: string;
  /** The name that its maker gave it. */
  tokenName?: string;
  expiresOn?: string;
  email?: string;
  accounts: AccountInfo[];
  /** Names of permission groups; absent when the token may not read itself, as most may not. */
  permissions?: string[];
}

interface Verified {
  id?: string;
  status?: string;
  expires_on?: string;
}

interface Membership {
  account: { id: string };
  roles?: string[];
}

interface TokenDetail {
  name?: string;
  expires_on?: string;
  policies?: { effect?: string; permission_groups?: { name?: string }[] }[];
}

/**
 * @param accountId an account that the token is for, where it cannot list accounts itself
 * @throws TroupeError AUTH for a token that is wrong, has expired or is switched off; UNREACHABLE
 */
export async function identify(api: Api, accountId?: string): Promise<Identity> {
  const asUser = await ifAllowed(api.get<Verified>("/user/tokens/verify"));
  const accounts = await ifAllowed(usableAccounts(api));
  const owner = asUser ? undefined : (accountId ?? accounts?.[0]?.id);
  const tokens = owner === undefined ? "/user/tokens" : `/accounts/${owner}/tokens`;
  const verified = asUser ?? (owner && (await ifAllowed(api.get<Verified>(`${tokens}/verify`)))) ?? undefined;
  if (!verified) throw refused("Cloudflare does not accept the token");
  if (verified.status !== undefined && verified.status !== "active") throw refused(`The token is ${verified.status}`);
  const [user, detail] = await Promise.all([
    asUser ? ifAllowed(api.get<{ email?: string }>("/user")) : undefined,
    verified.id ? ifAllowed(api.get<TokenDetail>(`${tokens}/${verified.id}`)) : undefined,
  ]);
  const expiresOn = verified.expires_on ?? detail?.expires_on;
  return {
    tokenType: asUser ? "user" : "account",
    ...(verified.id && { tokenId: verified.id }),
    ...(detail?.name !== undefined && { tokenName: detail.name }),
    ...(expiresOn && { expiresOn }),
    ...(user?.email && { email: user.email }),
    accounts: accounts ?? [],
    ...(detail?.policies && { permissions: permissionsOf(detail) }),
  };
}

/** Accounts that the token can be used with, as Wrangler picks them: those it sees and whose member its user is. */
async function usableAccounts(api: Api): Promise<AccountInfo[]> {
  const [accounts, memberships] = await Promise.all([
    api.list<AccountInfo>("/accounts"),
    ifAllowed(api.list<Membership>("/memberships")),
  ]);
  const plain = accounts.map(({ id, name }) => ({ id, name }));
  if (!memberships || memberships.length === 0) return plain;
  return plain.flatMap((account) => {
    const found = memberships.find((each) => each.account.id === account.id);
    return found ? [{ ...account, ...(found.roles && { roles: found.roles }) }] : [];
  });
}

/** Whether the token may look at the Workers of an account at all. */
export async function seesWorkers(api: Api, accountId: string): Promise<boolean> {
  return (await ifAllowed(api.get(`/accounts/${accountId}/workers/scripts`))) !== undefined;
}

/** Most of these are extras that a token need not be allowed to read. */
async function ifAllowed<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof TroupeError && ["AUTH", "NOT_FOUND", "PRECONDITION"].includes(error.code)) return undefined;
    throw error;
  }
}

function permissionsOf({ policies = [] }: TokenDetail): string[] {
  const allowed = policies.filter(({ effect }) => effect !== "deny");
  const names = allowed.flatMap(({ permission_groups = [] }) => permission_groups.map(({ name }) => name ?? ""));
  return [...new Set(names.filter((name) => name !== ""))].sort();
}

function refused(message: string): TroupeError {
  return new TroupeError("AUTH", message, {
    notes: [
      "Make one from the template “Edit Cloudflare Workers”: https://dash.cloudflare.com/profile/api-tokens",
      "Give it as CLOUDFLARE_API_TOKEN, or run `troupe login`",
    ],
  });
}
