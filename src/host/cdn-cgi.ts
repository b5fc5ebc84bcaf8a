/**
 * The paths that trigger a handler by hand: `/cdn-cgi/handler/scheduled`, `/cdn-cgi/local/scheduled`,
 * `/cdn-cgi/mf/scheduled` and, when asked for, `/__scheduled`; `/cdn-cgi/handler/email` and `/cdn-cgi/local/email`.
 * https://developers.cloudflare.com/workers/configuration/cron-triggers/#test-cron-triggers-locally
 * https://developers.cloudflare.com/email-routing/email-workers/local-development/
 */
import type { Page } from "./pages.ts";

const SCHEDULED = new Set(["/cdn-cgi/handler/scheduled", "/cdn-cgi/local/scheduled", "/cdn-cgi/mf/scheduled"]);

/** Whether a path is one of these. @param url path and query of a request */
export function isScheduledPath(url: string, options: { testScheduled?: boolean }): boolean {
  const path = url.split("?", 1)[0]!;
  return SCHEDULED.has(path) || (options.testScheduled === true && path === "/__scheduled");
}

/**
 * Runs the handler and tells the outcome: as text, or with `format=json` as `{ outcome, noRetry }`.
 * Query: `cron`, the expression that fired; `time`, milliseconds since the epoch.
 */
export async function answerScheduled(
  url: string,
  run: (options: { cron?: string; time?: Date }) => Promise<{ outcome: string; noRetry: boolean }>,
): Promise<Page> {
  const query = new URL(url, "http://localhost").searchParams;
  const cron = query.get("cron") ?? undefined;
  const time = query.get("time");
  if (time !== null && !/^\d+$/.test(time)) return text(400, "`time` takes milliseconds since the epoch\n");
  const result = await run({ cron, ...(time !== null && { time: new Date(Number(time)) }) });
  const status = result.outcome === "ok" ? 200 : 500;
  if (query.get("format") === "json") {
    return { status, headers: { "content-type": "application/json" }, body: `${JSON.stringify(result)}\n` };
  }
  return text(status, result.outcome);
}

const EMAIL = new Set(["/cdn-cgi/handler/email", "/cdn-cgi/local/email"]);

/** Whether this path, with or without a query, is for the `email` handler. */
export function isEmailPath(url: string): boolean {
  return EMAIL.has(url.split("?", 1)[0]!);
}

/** Hands the request's body, a raw message, to the `email` handler. Query: `from` and `to`, the envelope's addresses. */
export async function answerEmail(
  request: { url?: string; method?: string } & AsyncIterable<Uint8Array>,
  run: (message: { from: string; to: string; raw: Uint8Array }) => Promise<{ status: number; text: string }>,
): Promise<Page> {
  const query = new URL(request.url ?? "/", "http://localhost").searchParams;
  const from = query.get("from");
  const to = query.get("to");
  if (request.method !== "POST" || !from || !to) {
    return text(400, "Send a raw message with POST, and give its `from` and `to` addresses in the query\n");
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const result = await run({ from, to, raw: Buffer.concat(chunks) });
  return text(result.status, result.text);
}

function text(status: number, body: string): Page {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body };
}
