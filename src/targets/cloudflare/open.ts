/** Opening an account: who speaks to it comes from the environment, which one it is also from the config. */
import { TroupeError } from "../../errors.ts";
import type { Workspace } from "../../model.ts";
import { accountFrom } from "./account.ts";
import { Api } from "./client.ts";
import { chooseAccount, Network } from "./network.ts";
import { Shelf, type ShelfOptions } from "./shelf.ts";

export interface CloudflareTargetOptions extends ShelfOptions {
  /** Where the token, the account and the address of the API come from. */
  processEnv: Record<string, string | undefined>;
  /** Milliseconds before the first retry of a request. */
  retryDelay?: number;
}

/** @throws TroupeError AUTH when there is no token; USAGE when it sees several accounts and none is named; UNREACHABLE */
export async function openShelf(given: CloudflareTargetOptions): Promise<Shelf> {
  const { processEnv, retryDelay, ...options } = given;
  const account = accountFrom(processEnv, configuredAccount(options.workspace));
  const api = await Api.open({ ...account, ...(retryDelay !== undefined && { retryDelay }) });
  return new Shelf(new Network(api, await chooseAccount(api, account.accountId)), options);
}

/** `account_id` of the config, where all services that have one say the same. @throws TroupeError CONFIG */
export function configuredAccount(workspace: Workspace | undefined): string | undefined {
  const ids = new Set(
    (workspace?.services ?? []).flatMap(({ source }) =>
      typeof source.account_id === "string" ? [source.account_id] : [],
    ),
  );
  if (ids.size <= 1) return [...ids][0];
  throw new TroupeError("CONFIG", `The services name several accounts: ${[...ids].join(", ")}`, {
    notes: ["A graph is deployed to one account: write the same account_id into all of them, or none"],
  });
}
