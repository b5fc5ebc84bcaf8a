/** What Cloudflare answers when something is wrong, as errors of ours. */
import { type ErrorCode, TroupeError } from "../../errors.ts";
import type { Account } from "./account.ts";

/** As the SDK throws it; its classes are not loaded for telling errors apart. */
interface SdkError {
  status?: number;
  headers?: Headers;
  /** The body of the answer: an object where it was JSON. */
  error?: unknown;
  errors?: { code?: number; message?: string; error_chain?: { code?: number; message?: string }[] }[];
  message: string;
  cause?: unknown;
}

/** Worth another try: no answer, too many requests, or a fault of the server. */
export function isTemporary(error: unknown): boolean {
  const { status } = error as SdkError;
  return status === undefined ? isConnectionError(error) : status === 408 || status === 429 || status >= 500;
}

/** It is there already. */
export function isConflict(error: unknown): boolean {
  return (error as SdkError).status === 409;
}

function isConnectionError(error: unknown): boolean {
  return (
    error instanceof Error &&
    /Connection|Timeout|fetch failed|terminated|socket/i.test(`${error.constructor.name} ${error.message}`)
  );
}

/** Milliseconds that the server asks to wait. */
export function retryAfter(error: unknown): number | undefined {
  const value = (error as SdkError).headers?.get?.("retry-after");
  if (!value) return undefined;
  const seconds = Number(value);
  const wait = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : seconds * 1000;
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

/** "Could not route to …, perhaps your object identifier is invalid?" */
const UNKNOWN_PATH = 7003;

/** Somebody answers, but not in the way of the API: a proxy, a login page, a wrong address. */
export function strangeAnswer(failed: Omit<Failed, "source"> & { status: number }): TroupeError {
  const { method, path, about, status } = failed;
  const prefix = about === undefined ? "" : `${about}: `;
  return new TroupeError("UNREACHABLE", `${prefix}What answers is not Cloudflare's API`, {
    notes: [
      `${method.toUpperCase()} ${path} (HTTP ${status})`,
      "Check CLOUDFLARE_API_BASE_URL, and whether a proxy or a login page stands in between",
    ],
  });
}

/** Of something that a binding points to. */
const MISSING = /not found|does(?: not|n't) exist|could not (?:be found|resolve)/i;

function isUpload({ method, path }: Pick<Failed, "method" | "path">): boolean {
  return method.toLowerCase() === "put" ? /\/scripts\/[^/]+$/.test(path) : /\/scripts\/[^/]+\/versions$/.test(path);
}

export interface Failed {
  method: string;
  path: string;
  /** `service gateway@staging`. */
  about?: string;
  /** Where the token is from. */
  source: Account["source"];
}

/** Codes that mean something of their own, whatever the status. */
const BY_CODE: Record<number, ErrorCode> = {
  // "Authentication error", "Invalid access token", "Invalid API Token"
  10000: "AUTH",
  9109: "AUTH",
  1000: "AUTH",
  // The script throws when it starts, or is no valid script.
  10021: "START",
  // "This Worker does not exist", "script_not_found"
  10007: "NOT_FOUND",
  10090: "NOT_FOUND",
  10092: "NOT_FOUND",
};

/** @returns a TroupeError with Cloudflare's own code and message, what it was about, and what to do */
export function apiError(error: unknown, { method, path, about, source }: Failed): TroupeError {
  if (error instanceof TroupeError) return error;
  const { status, errors = [], message } = error as SdkError;
  const [first] = errors;
  const where = `${method.toUpperCase()} ${path}`;
  const prefix = about === undefined ? "" : `${about}: `;
  if (status === undefined) {
    if (!isConnectionError(error)) throw error;
    return new TroupeError(
      "UNREACHABLE",
      `${prefix}Cloudflare's API does not answer (${reasonOf(error as SdkError)})`,
      {
        notes: [where, "Check the connection, then run the same command again: it goes on where this one stopped"],
        cause: error,
      },
    );
  }
  const isStrange = typeof (error as SdkError).error !== "object" || (error as SdkError).error === null;
  if (isStrange && !isTemporary(error) && status !== 401 && status !== 403) {
    return strangeAnswer({ method, path, status, ...(about !== undefined && { about }) });
  }
  // A page is nothing to be read here.
  const plain = isStrange ? `HTTP ${status}` : message;
  const said = first?.message === undefined ? plain : `${first.message} [code ${first.code}]`;
  const code = (first?.code !== undefined && BY_CODE[first.code]) || codeOf(status);
  return new TroupeError(code, `${prefix}Cloudflare says: ${said}`, {
    notes: [
      ...errors.slice(1).map((each) => `${each.message} [code ${each.code}]`),
      ...(first?.error_chain ?? []).map((each) => `${each.message} [code ${each.code}]`),
      `${where} (HTTP ${status})`,
      ...(first?.code === UNKNOWN_PATH
        ? ["Is that the id of the account? `troupe whoami` lists those that the token sees"]
        : []),
      ...(isUpload({ method, path }) && MISSING.test(first?.message ?? "")
        ? [
            "What the config names by an id has to be there already, in this account: see `troupe whoami`",
            "KV, R2, D1 and Queues that have a name instead, or none, are made",
          ]
        : []),
      ...nextMove(code, { status, source, wait: retryAfter(error) }),
    ],
    cause: error,
  });
}

/** Cloudflare's own code, of an error that came of one of its answers. */
export function cloudflareCode(error: unknown): number | undefined {
  return error instanceof TroupeError ? (error.cause as SdkError | undefined)?.errors?.[0]?.code : undefined;
}

function codeOf(status: number): ErrorCode {
  if (status === 401 || status === 403) return "AUTH";
  if (status === 404) return "NOT_FOUND";
  if (status === 409) return "CONFLICT";
  if (status === 429 || status >= 500) return "UNREACHABLE";
  return "PRECONDITION";
}

function nextMove(
  code: ErrorCode,
  { status, source, wait }: Pick<Failed, "source"> & { status: number; wait: number | undefined },
): string[] {
  if (code === "AUTH") {
    const where = source === "login" ? "the token that `troupe login` keeps" : source;
    return [
      `Check ${where} and what it may do (\`troupe whoami\`); the template “Edit Cloudflare Workers” has what is needed`,
    ];
  }
  if (status === 429) {
    const long = wait === undefined ? "a little" : `${Math.ceil(wait / 1000)} seconds`;
    return [`Too many requests: wait ${long}, then run the same command again`];
  }
  if (code === "UNREACHABLE") return ["Run the same command again: it goes on where this one stopped"];
  return [];
}

/** The innermost reason: `ECONNREFUSED 127.0.0.1:80` says more than "Connection error." */
function reasonOf(error: SdkError): string {
  let reason = error.message;
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) reason = cause.message || reason;
  return reason;
}
