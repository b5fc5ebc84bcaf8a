/** Who speaks to Cloudflare, and where: from the variables that Wrangler reads, or from what `troupe login` stored. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { TroupeError } from "../../errors.ts";

export interface Account {
  token: string;
  /** Absent: the only account that the token can see. */
  accountId?: string;
  /** Without a slash at its end. */
  baseUrl: string;
  source: "CLOUDFLARE_API_TOKEN" | "login";
}

/** Where the API is unless CLOUDFLARE_API_BASE_URL says otherwise. */
const PUBLIC_API = "https://api.cloudflare.com/client/v4";

/** Where `troupe login` keeps its token. */
export function loginFile(env: Record<string, string | undefined>): string {
  const config = env.XDG_CONFIG_HOME || path.join(env.HOME || homedir(), ".config");
  return path.join(config, "troupe", "cloudflare.json");
}

/**
 * Where the API is, without a slash at the end.
 * @throws TroupeError USAGE when CLOUDFLARE_API_BASE_URL is no URL
 */
export function baseUrlOf(env: Record<string, string | undefined>): string {
  const given = env.CLOUDFLARE_API_BASE_URL || PUBLIC_API;
  if (!/^https?:$/.test(URL.parse(given)?.protocol ?? "")) {
    throw new TroupeError("USAGE", `CLOUDFLARE_API_BASE_URL is no URL: "${given}"`, {
      notes: [`Unset it, or write it whole, like ${PUBLIC_API}`],
    });
  }
  return given.replace(/\/+$/, "");
}

/**
 * @param configured `account_id` of the config, which CLOUDFLARE_ACCOUNT_ID yields to, as with Wrangler
 * @throws TroupeError AUTH when there is no token
 */
export function accountFrom(env: Record<string, string | undefined>, configured?: string): Account {
  const baseUrl = baseUrlOf(env);
  const accountId = configured ?? env.CLOUDFLARE_ACCOUNT_ID;
  if (accountId && !/^[\w-]+$/.test(accountId)) {
    const from = configured === undefined ? "CLOUDFLARE_ACCOUNT_ID" : "account_id";
    throw new TroupeError("USAGE", `${from} is no id of an account: "${accountId}"`, {
      notes: ["`troupe whoami` lists the accounts that the token sees"],
    });
  }
  // A secret of CI often ends with a newline.
  const given = env.CLOUDFLARE_API_TOKEN?.trim();
  if (given && !/^[\x21-\x7e]+$/.test(given)) {
    throw new TroupeError("AUTH", "CLOUDFLARE_API_TOKEN holds more than a token", {
      notes: ["It is one word, without quotes, spaces or line breaks"],
    });
  }
  if (given) return { token: given, ...(accountId && { accountId }), baseUrl, source: "CLOUDFLARE_API_TOKEN" };
  const stored = storedLogin(loginFile(env));
  if (!stored) {
    throw new TroupeError("AUTH", "Nobody is logged in to Cloudflare", {
      notes: [
        "Set CLOUDFLARE_API_TOKEN (and CLOUDFLARE_ACCOUNT_ID, if the token sees several accounts), or run `troupe login`",
        ...(env.CLOUDFLARE_API_KEY ? ["CLOUDFLARE_API_KEY is set, but troupe takes API tokens only"] : []),
        "Make a token from the template “Edit Cloudflare Workers”: https://dash.cloudflare.com/profile/api-tokens",
      ],
    });
  }
  const id = accountId ?? stored.accountId;
  return { token: stored.token, ...(id && { accountId: id }), baseUrl, source: "login" };
}

/** @throws TroupeError AUTH for a file that cannot be used */
function storedLogin(file: string): { token: string; accountId?: string } | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new TroupeError("AUTH", `Cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  try {
    const { token, accountId } = JSON.parse(text) as { token?: unknown; accountId?: unknown };
    if (typeof token === "string") return { token, ...(typeof accountId === "string" && { accountId }) };
  } catch {
    // Said below; what the parser has to say would quote the file.
  }
  throw new TroupeError("AUTH", `${file} holds no token`, { notes: ["Run `troupe login` again"] });
}
