/** `dev --live-reload`: HTML pages poll a long-lived request, and load again when the code behind them changed. */
import type { Page } from "../../host/pages.ts";

const PATH = "/cdn-cgi/troupe/reload";

export interface LiveReload {
  matches(url: string): boolean;
  /**
   * Resolves when there is another state than the one the page is of: it loads again then.
   * @param url with the page's state as its query
   */
  wait(url: string): Promise<Page>;
  /** What is appended to pages. */
  markup(): string;
  changed(): void;
  close(): void;
}

/** Makes pages load again when the code has changed: a script for them, and the request that it waits with. */
export function createLiveReload(): LiveReload {
  let waiting: (() => void)[] = [];
  // Another one in every run: a page of the run before is of none of ours.
  let state = Date.now();
  const wake = (): void => {
    const all = waiting;
    waiting = [];
    for (const each of all) each();
  };
  const page = (): Page => ({
    status: 200,
    headers: { "content-type": "text/plain", "cache-control": "no-store" },
    body: String(state),
  });
  return {
    matches: (url) => url.split("?", 1)[0] === PATH,
    async wait(url) {
      // A change may have come between the page and its question.
      if (url === `${PATH}?${state}`) await new Promise<void>((resolve) => waiting.push(resolve));
      return page();
    },
    // A dropped connection is a restart of dev: ask again until it is back. A page that the browser has kept is of an old
    // state however often it is loaded: once is enough.
    markup: () =>
      `<script>(()=>{let n="${state}";const k="troupe-reload",s=sessionStorage,w=()=>fetch(${JSON.stringify(`${PATH}?`)}+n).then(async r=>{if(!r.ok)return setTimeout(w,1000);n=await r.text();if(s[k]===n)return w();s[k]=n;location.reload()},()=>setTimeout(w,500));w()})()</script>`,
    changed() {
      state++;
      wake();
    },
    close: wake,
  };
}
