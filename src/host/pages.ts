/** The pages that troupe itself shows in a browser, and their plain-text twins for other clients. */
import type { Diagnostic } from "../errors.ts";
import type { Reply } from "./reply.ts";

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Whether a client would rather read HTML, by its Accept header. */
function wantsHtml(accept: string | undefined): boolean {
  return accept !== undefined && /\btext\/html\b/.test(accept);
}

export interface Page {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Answers with a page; without its body where `method` is HEAD. */
export function sendPage(response: Reply, page: Page, method: string | undefined): void {
  const headers = { ...page.headers, "content-length": String(Buffer.byteLength(page.body)) };
  response.writeHead(page.status, Object.entries(headers).flat());
  response.end(method === "HEAD" ? "" : page.body);
}

export interface ErrorView {
  /** "Build failed", "Uncaught TypeError"… */
  title: string;
  service?: string;
  /** Each with its code frame, when there is one. */
  items: { message: string; place?: string; frame?: string; notes?: string[]; stack?: string }[];
  /** A sentence at the end. */
  footer?: string;
}

/** The look of our pages, for the element that holds them. Nested rules: Baseline since 2023. */
const STYLE = `background:#16161a;color:#e6e6eb;font:15px/1.5 system-ui,sans-serif;text-align:left;
main{max-width:960px;margin:0 auto;padding:40px 24px}h1{font-size:20px;margin:0 0 4px;color:#ff7a7a}h2{font-size:15px;font-weight:600;margin:28px 0 6px;white-space:pre-wrap}
pre{background:#202027;border-radius:8px;padding:14px 16px;overflow:auto;font:13px/1.5 ui-monospace,monospace}
.place{color:#9aa0ff;font:13px ui-monospace,monospace}.note{color:#8fd6a8}.dim{color:#8a8a94}a{color:#9aa0ff}ul{padding-left:20px}`;

function html(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>body{margin:0;${STYLE}}</style></head><body><main>${body}</main></body></html>\n`;
}

/** A readable error, as HTML for browsers and as text for everybody else. */
export function errorPage(view: ErrorView, status: number, accept: string | undefined): Page {
  const headers = { "cache-control": "no-store" };
  if (!wantsHtml(accept)) {
    return { status, headers: { ...headers, "content-type": "text/plain; charset=utf-8" }, body: errorText(view) };
  }
  return {
    status,
    headers: { ...headers, "content-type": "text/html; charset=utf-8" },
    body: html(view.title, errorHtml(view)),
  };
}

/** The inside of an error page; also used for the overlay over a page of the last good code. */
function errorHtml(view: ErrorView): string {
  const items = view.items.map(
    (item) =>
      `<h2>${escapeHtml(item.message)}</h2>` +
      (item.place ? `<div class="place">${escapeHtml(item.place)}</div>` : "") +
      (item.frame ? `<pre>${escapeHtml(item.frame)}</pre>` : "") +
      (item.notes ?? []).map((note) => `<div class="note">${escapeHtml(note)}</div>`).join("") +
      (item.stack ? `<pre>${escapeHtml(item.stack)}</pre>` : ""),
  );
  const service = view.service ? `<div class="dim">${escapeHtml(view.service)}</div>` : "";
  const footer = view.footer ? `<p class="dim">${escapeHtml(view.footer)}</p>` : "";
  return `<h1>${escapeHtml(view.title)}</h1>${service}${items.join("")}${footer}`;
}

function errorText(view: ErrorView): string {
  const lines = [view.service ? `${view.title} (${view.service})` : view.title];
  for (const item of view.items) {
    lines.push("", item.message);
    if (item.place) lines.push(`  at ${item.place}`);
    if (item.frame) lines.push("", item.frame);
    for (const note of item.notes ?? []) lines.push(`  ${note}`);
    if (item.stack) lines.push("", item.stack);
  }
  if (view.footer) lines.push("", view.footer);
  return `${lines.join("\n")}\n`;
}

/** A fragment to append to an HTML response: the error laid over the page of the last good code. */
export function overlay(view: ErrorView): string {
  const dismiss = `<p><a href="#" onclick="this.closest('#troupe-overlay').remove();return false">Show the page of the last good code</a></p>`;
  return (
    `<div id="troupe-overlay"><style>#troupe-overlay{position:fixed;inset:0;z-index:2147483647;overflow:auto;${STYLE}}</style>` +
    `<main>${errorHtml(view)}${dismiss}</main></div>`
  );
}

/**
 * One hostname nobody has; lists what exists.
 * @param why a sentence, where there is a reason
 */
export function unknownHostPage(
  host: string,
  known: { name: string; url: string }[],
  accept: string | undefined,
  why?: string,
): Page {
  const title = `No service answers at ${host}`;
  if (!wantsHtml(accept)) {
    const list = known.map((entry) => `  ${entry.name}  ${entry.url}`).join("\n");
    return {
      status: 404,
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: `${title}.${why ? ` ${why}` : ""} These do:\n${list}\n`,
    };
  }
  const list = known.map(
    (entry) =>
      `<li><a href="${escapeHtml(entry.url)}">${escapeHtml(entry.url)}</a> <span class="dim">${escapeHtml(entry.name)}</span></li>`,
  );
  return {
    status: 404,
    headers: { "content-type": "text/html; charset=utf-8" },
    body: html(
      title,
      `<h1>${escapeHtml(title)}</h1>${why ? `<p>${escapeHtml(why)}</p>` : ""}<p>These do:</p><ul>${list.join("")}</ul>`,
    ),
  };
}

/** One view from a list of diagnostics; `frame` gives the source lines around a place. */
export function viewOf(
  title: string,
  diagnostics: readonly Diagnostic[],
  frame: (diagnostic: Diagnostic) => string | undefined,
): ErrorView {
  return {
    title,
    items: diagnostics.map((diagnostic) => ({
      message: diagnostic.message,
      ...(diagnostic.location && {
        place: `${diagnostic.location.file}:${diagnostic.location.line}:${diagnostic.location.column}`,
      }),
      frame: frame(diagnostic),
      notes: diagnostic.notes,
    })),
  };
}
