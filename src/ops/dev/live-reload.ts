/** `dev --live-reload`: HTML pages poll a long-lived request, and load again when the code behind them changed. */
import type { Page } from "../../host/pages.ts";

const PATH = "/cdn-cgi/troupe/reload";

export interface LiveReload {
  matches(url: string): boolean;
  /** Resolves at the next change: the page reloads then. */
  wait(): Promise<Page>;
  /** What is appended to pages. */
  markup(): string;
  changed(): void;
  close(): void;
}

/** Makes pages load again when the code has changed: a script for them, and the request that it waits with. */
export function createLiveReload(): LiveReload {
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    const all = waiting;
    waiting = [];
    for (const each of all) each();
  };
  const page: Page = {
    status: 200,
    headers: { "content-type": "text/plain", "cache-control": "no-store" },
    body: "reload",
  };
  return {
    matches: (url) => url.split("?", 1)[0] === PATH,
    wait: () => new Promise((resolve) => waiting.push(() => resolve(page))),
    // A dropped connection is a restart of dev: ask again until it is back.
    markup: () =>
      `<script>(()=>{const w=()=>fetch(${JSON.stringify(PATH)}).then(r=>r.ok?location.reload():setTimeout(w,1000),()=>setTimeout(w,500));w()})()</script>`,
    changed: wake,
    close: wake,
  };
}
