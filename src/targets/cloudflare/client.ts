/**
 * Cloudflare's API through its official SDK. What is retried is decided here, not in the SDK: that would send a POST again
 * whose answer was lost, and so make things twice.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { BaseCloudflare } from "cloudflare/client";
import { TroupeError } from "../../errors.ts";
import type { Account } from "./account.ts";
import { apiError, isConflict, isTemporary, retryAfter, strangeAnswer } from "./api-error.ts";

export interface ApiOptions extends Account {
  /** Waits this long before the first retry, twice as long before each further one. Default 500 ms. */
  retryDelay?: number;
}

export interface RequestOptions<T> {
  query?: Record<string, unknown>;
  /** JSON, or a form. */
  body?: unknown;
  headers?: Record<string, string>;
  /** What this is about, for messages: `service gateway@staging`. */
  about?: string;
  /**
   * For what must not happen twice: looks whether an attempt without an answer had an effect after all, or somebody else has done
   * the same at that moment, and gives what the answer would have been.
   */
  landed?(): Promise<T | undefined>;
  /** The whole answer, for those that have no envelope with `result`. */
  raw?: boolean;
  /** How often it is tried. Default 5. */
  attempts?: number;
}

/** What every answer of the API is wrapped in. */
interface Envelope<T> {
  result: T;
  result_info?: { page?: number; per_page?: number; total_pages?: number; total_count?: number; cursor?: string };
}

const ATTEMPTS = 5;
const PAGE = 100;
/** Servers that ask for more patience than this are reported instead. */
const LONGEST_WAIT = 60_000;

type Method = "get" | "put" | "post" | "patch" | "delete";

/** Sends requests, tries again what is temporary, and throws TroupeErrors. */
export class Api {
  readonly #sdk: BaseCloudflare;
  readonly #options: ApiOptions;
  #signal: AbortSignal | undefined;

  private constructor(sdk: BaseCloudflare, options: ApiOptions) {
    this.#sdk = sdk;
    this.#options = options;
  }

  static async open(options: ApiOptions): Promise<Api> {
    // Without the classes of all its resources, of which there are two megabytes.
    const { createClient } = await import("cloudflare/tree-shakable");
    const sdk = createClient({
      apiToken: options.token,
      apiKey: null,
      apiEmail: null,
      userServiceKey: null,
      baseURL: options.baseUrl,
      maxRetries: 0,
      logLevel: "off",
      resources: [],
    });
    return new Api(sdk as BaseCloudflare, options);
  }

  /**
   * While `work` runs, nobody who interrupts it waits until a request may be sent again. What is asked afterwards, to put things
   * back, is patient.
   */
  async interruptible<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    this.#signal = signal;
    try {
      return await work();
    } finally {
      this.#signal = undefined;
    }
  }

  /** @throws TroupeError INTERRUPTED */
  async #wait(ms: number): Promise<void> {
    await sleep(ms, undefined, this.#signal && { signal: this.#signal }).catch(() => {
      throw new TroupeError("INTERRUPTED", "Interrupted");
    });
  }

  get<T>(path: string, options: RequestOptions<T> = {}): Promise<T> {
    return this.#request("get", path, options);
  }

  put<T>(path: string, options: RequestOptions<T>): Promise<T> {
    return this.#request("put", path, options);
  }

  patch<T>(path: string, options: RequestOptions<T>): Promise<T> {
    return this.#request("patch", path, options);
  }

  delete<T>(path: string, options: RequestOptions<T> = {}): Promise<T> {
    return this.#request("delete", path, options);
  }

  /** Give `landed` unless doing it twice is the same as doing it once. */
  post<T>(path: string, options: RequestOptions<T>): Promise<T> {
    return this.#request("post", path, options);
  }

  /** What `get` finds; undefined when there is no such thing. */
  async find<T>(path: string, options: RequestOptions<T> = {}): Promise<T | undefined> {
    try {
      return await this.get<T>(path, options);
    } catch (error) {
      if (error instanceof TroupeError && error.code === "NOT_FOUND") return undefined;
      throw error;
    }
  }

  /** All pages of a list. */
  async list<T>(path: string, options: RequestOptions<unknown> = {}): Promise<T[]> {
    const found: T[] = [];
    for (let page = 1; ; page++) {
      const query = { ...options.query, page, per_page: PAGE };
      const { result, result_info: info } = await this.#request<Envelope<T[]>>("get", path, {
        ...options,
        query,
        raw: true,
      } as RequestOptions<Envelope<T[]>>);
      found.push(...(result ?? []));
      const pages = info?.total_pages ?? (info?.total_count !== undefined ? Math.ceil(info.total_count / PAGE) : 1);
      if (page >= pages || (result ?? []).length === 0) return found;
    }
  }

  async #request<T>(method: Method, path: string, options: RequestOptions<T>): Promise<T> {
    const { retryDelay = 500 } = this.#options;
    const { attempts = ATTEMPTS } = options;
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.#sdk[method]<Envelope<T>>(path, {
          ...(options.query && { query: options.query }),
          ...(options.body !== undefined && { body: options.body }),
          ...(options.headers && { headers: options.headers }),
        });
        if (typeof answer === "string") throw strangeAnswer({ method, path, status: 200 });
        return options.raw ? (answer as T) : (answer?.result as T);
      } catch (error) {
        const wait = retryAfter(error) ?? retryDelay * 2 ** (attempt - 1);
        const isLast = attempt >= attempts || !isTemporary(error) || wait > LONGEST_WAIT;
        if (!isLast) await this.#wait(wait * (1 + Math.random() / 4));
        const landed = isTemporary(error) || isConflict(error) ? await options.landed?.() : undefined;
        if (landed !== undefined) return landed;
        if (!isLast) continue;
        const { source } = this.#options;
        throw apiError(error, { method, path, source, ...(options.about !== undefined && { about: options.about }) });
      }
    }
  }
}
