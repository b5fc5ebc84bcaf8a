/**
 * Work that goes on behind an answer (`ctx.waitUntil`). From outside nobody sees it; the prelude does, and counts it. When a
 * process is about to be stopped, and only then, it is asked how much there is.
 */
import http from "node:http";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import type { Bundle } from "../model.ts";

/** Entrypoint that tells the count. */
export const BACKGROUND = "__troupeBackground";

/** The platform ends such work so long after the answer, in ms. https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil */
export const LONGEST_BACKGROUND = 30_000;

/** A process that does not say it by then is blocked by its code, and will not end its work, in ms. */
const ANSWER_TIMEOUT = 5_000;

/** Between two questions, in ms: the first comes soon, since requests may be waiting. */
const PAUSE = { first: 5, longest: 100 };

/**
 * Goes into the module that wraps handlers (uncaught.ts). What never ends is forgotten when the platform would end it. No
 * `Set`: as it grows old, it keeps the garbage of every request alive (exchanges.ts).
 */
export const BACKGROUND_SOURCE = `
const behind = [];
let many = 1000;

function forget(work) {
  const { at } = work;
  if (at < 0) return;
  work.at = -1;
  const last = behind.pop();
  if (last === work) return;
  behind[at] = last;
  last.at = at;
}

function forgetOld() {
  const oldest = Date.now() - ${LONGEST_BACKGROUND};
  for (const work of [...behind]) if (work.since <= oldest) forget(work);
  many = Math.max(1000, 2 * behind.length);
}

/** Counts it until it is over, and tells what it did not catch. */
function follow(promise) {
  if (behind.length >= many) forgetOld();
  const work = { at: behind.length, since: Date.now() };
  behind.push(work);
  then.call(promise, () => forget(work), (error) => {
    forget(work);
    tell(error);
  });
}

export class ${BACKGROUND} extends WorkerEntrypoint {
  fetch() {
    forgetOld();
    return new Response(String(behind.length));
  }
}
`;

/** Whether the code has a word for it. */
export function mentionsWaitUntil({ modules }: Bundle): boolean {
  return modules.some(({ type, contents: { buffer, byteOffset, byteLength } }) => {
    const code = Buffer.from(buffer, byteOffset, byteLength);
    // In Python it is the other one.
    return type !== "sourcemap" && (code.includes("waitUntil") || code.includes("wait_until"));
  });
}

/** The workers of one process that count what they do behind their answers. */
export class Background {
  /** Some do such work and cannot count it: script syntax, or `waitUntil` imported from `cloudflare:workers`. */
  readonly unseen: boolean;
  readonly #origins: readonly URL[];

  /** @param origins of the entrypoints that tell */
  constructor(origins: readonly URL[], unseen: boolean) {
    this.#origins = origins;
    this.unseen = unseen;
  }

  /** How much of it there is, if it is said within `limit` ms. What has died, or does not answer in time, does nothing any more. */
  async count(limit = ANSWER_TIMEOUT): Promise<number> {
    const timeout = Math.max(1, Math.min(limit, ANSWER_TIMEOUT));
    const counts = await Promise.all(this.#origins.map((origin) => ask(origin, timeout).catch(() => 0)));
    return counts.reduce((sum, each) => sum + each, 0);
  }

  /** Waits until what is counted is over, at most `limit` ms. @param signal aborted: no longer */
  async over(limit: number, signal?: AbortSignal): Promise<void> {
    if (this.#origins.length === 0) return;
    const until = performance.now() + limit;
    const rest = (): number => until - performance.now();
    for (let pause = PAUSE.first; rest() > 0 && !signal?.aborted && (await this.count(rest())) > 0; ) {
      await sleep(Math.min(pause, Math.max(0, rest())), undefined, signal && { signal }).catch(() => {});
      pause = Math.min(pause * 2, PAUSE.longest);
    }
    // What it logged last has come by now, and is read in this turn of the loop at the latest.
    await setImmediate();
  }
}

/** @param timeout in ms */
function ask(origin: URL, timeout: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get(origin, { agent: false, timeout }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve(Number(body) || 0));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error("no answer")));
    request.on("error", reject);
  });
}
