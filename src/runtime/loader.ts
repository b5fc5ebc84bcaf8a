/**
 * The faster path of `dev`: code of a service that is being edited is loaded through a Worker Loader into the process that
 * runs, instead of starting another process. docs/runtime.md says when and why.
 */
import type { Miniflare } from "miniflare";
import type { WorkerOptions } from "../bindings/kind.ts";
import type { Bundle } from "../model.ts";
import type { Assembled } from "./assemble.ts";
import { changedCode, graphShape, isLoadable } from "./loadable.ts";
import { CONTROL, LOADER, loadedCode, SHELL_FLAGS, SOURCE, shellManifest, TAIL } from "./loader-shell.ts";
import type { GraphSpec } from "./types.ts";

/** An isolate that is not up by then never will be: its code has no end, and blocks the process. */
const LOAD_TIMEOUT = 5_000;

/** Code that the runtime would not load. Whether that is the code's fault shows when it is started in another process. */
export class LoadError extends Error {
  /** The worker whose code it is. */
  readonly worker: string;
  /** It blocks the process. */
  readonly timedOut: boolean;

  constructor(worker: string, message: string, options: { timedOut?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.worker = worker;
    this.timedOut = options.timedOut ?? false;
  }
}

/** New code that is loaded and waits to be used. */
export interface Loaded {
  /** Sends everything that comes from now on to it. @returns lets go of the code before it */
  use(): Promise<() => Promise<void>>;
}

/** The loaded services of one generation. */
export class Loader {
  #shape: string;
  #services = new Map<string, LoadedService>();

  /**
   * Turns the options of workers into those of their shells.
   * @param ids workers whose code shall be loaded; those for which it is not possible stay as they are
   * @param Response Miniflare's
   */
  constructor(spec: GraphSpec, assembled: Assembled, ids: Iterable<string>, Response: ResponseClass) {
    this.#shape = graphShape(spec, assembled.workers);
    const wanted = new Set(ids);
    const loadable = spec.workers.filter((worker) => wanted.has(worker.id) && isLoadable(worker, spec, assembled));
    for (const { id, bundle } of loadable) {
      this.#services.set(id, new LoadedService(optionsOf(id, assembled), bundle, Response));
    }
  }

  /** The runtime is up: loads the code that the generation starts with. @throws LoadError */
  async start(miniflare: Miniflare): Promise<void> {
    for (const [id, service] of this.#services) {
      await service.start(await miniflare.unsafeGetDirectURL(id, CONTROL));
    }
  }

  /** @returns ids of the workers whose code is another one, or undefined when something else is, too */
  changed(before: GraphSpec, after: GraphSpec, assembled: Assembled): string[] | undefined {
    return graphShape(after, assembled.workers) === this.#shape ? changedCode(before, after) : undefined;
  }

  canLoad(ids: readonly string[], spec: GraphSpec, assembled: Assembled): boolean {
    const workers = spec.workers.filter(({ id }) => ids.includes(id));
    return workers.every((worker) => this.#services.has(worker.id) && isLoadable(worker, spec, assembled));
  }

  /**
   * Loads code of these services beside what runs.
   * @throws LoadError
   */
  async load(ids: readonly string[], spec: GraphSpec, assembled: Assembled): Promise<Loaded> {
    const loading = await Promise.allSettled(
      ids.map(async (id) => {
        const service = this.#services.get(id)!;
        const limit = Math.min(spec.startTimeout ?? LOAD_TIMEOUT, LOAD_TIMEOUT);
        const { bundle } = spec.workers.find((worker) => worker.id === id)!;
        return { service, revision: await service.load(optionsOf(id, assembled), bundle, limit) };
      }),
    );
    const fresh = loading.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const failed = loading.find((each) => each.status === "rejected");
    if (failed) {
      for (const { service, revision } of fresh) void service.release(revision);
      throw failed.reason;
    }
    return {
      async use() {
        const releases = await Promise.all(fresh.map(({ service, revision }) => service.use(revision)));
        return async () => {
          await Promise.all(releases.map((release) => release()));
        };
      },
    };
  }
}

type ResponseClass = typeof import("miniflare").Response;

function optionsOf(id: string, { workers }: Assembled): WorkerOptions {
  return workers.find(({ config }) => config.name === id)!;
}

/** One service: Node's side of its shell. */
class LoadedService {
  readonly #id: string;
  /** Code by revision: those that are loaded, and the one that is about to be. */
  #codes = new Map<string, string>();
  #current: string | undefined;
  #count = 0;
  #control: URL | undefined;

  /**
   * Turns the worker's options into those of its shell.
   * @param Response Miniflare's
   */
  constructor(own: WorkerOptions, bundle: Bundle, Response: ResponseClass) {
    const { config, dev } = own;
    this.#id = config.name;
    this.#codes.set("1", loadedCode(config, bundle.exports));
    const [tail] = config.tailConsumers ?? [];
    config.env = {
      ...config.env,
      [LOADER]: { type: "worker-loader" },
      [SOURCE]: {
        type: "fetcher",
        handler: (request) => {
          const wanted = new URL(request.url).pathname.slice(1);
          const code = this.#codes.get(wanted === "current" ? (this.#current ?? "") : wanted);
          return new Response(code ?? `There is no code ${wanted}`, { status: code === undefined ? 404 : 200 });
        },
      },
      ...(tail && { [TAIL]: { type: "worker", ...tail } }),
    };
    config.tailConsumers = [];
    config.manifest = shellManifest(bundle.exports);
    config.compatibilityFlags = [...new Set([...(config.compatibilityFlags ?? []), ...SHELL_FLAGS])];
    own.dev = {
      ...dev,
      unsafeDirectSockets: [...(dev?.unsafeDirectSockets ?? []), { host: "127.0.0.1", port: 0, entrypoint: CONTROL }],
    };
  }

  /** The runtime is up: loads the first code. @throws LoadError */
  async start(control: URL): Promise<void> {
    this.#control = control;
    await this.#ask("load", "1");
    await this.use("1");
  }

  /**
   * Loads code beside what runs.
   * @param limit milliseconds that it may take
   * @returns its revision, for `use`
   * @throws LoadError
   */
  async load(own: WorkerOptions, bundle: Bundle, limit: number): Promise<string> {
    this.#count = Math.max(this.#count, 1) + 1;
    const revision = String(this.#count);
    this.#codes.set(revision, loadedCode(own.config, bundle.exports));
    try {
      await this.#ask("load", revision, limit);
      return revision;
    } catch (error) {
      this.#codes.delete(revision);
      throw error;
    }
  }

  /** Sends everything that comes from now on to a revision that is loaded. @returns lets go of the one before */
  async use(revision: string): Promise<() => Promise<void>> {
    const before = this.#current;
    await this.#ask("use", revision);
    this.#current = revision;
    return async () => {
      if (before !== undefined) await this.release(before);
    };
  }

  /** Lets go of an old revision: its isolate is freed when its last exchange is over. Work in `waitUntil` ends. */
  async release(revision: string): Promise<void> {
    this.#codes.delete(revision);
    await this.#ask("release", revision).catch(() => {});
  }

  async #ask(verb: "load" | "use" | "release", revision: string, limit = LOAD_TIMEOUT): Promise<void> {
    const response = await fetch(new URL(`/${verb}/${revision}`, this.#control), {
      // No page in a browser can send that.
      headers: { [CONTROL]: "1" },
      signal: AbortSignal.timeout(limit),
    }).catch((cause) => {
      throw new LoadError(this.#id, String(cause), { cause, timedOut: cause.name === "TimeoutError" });
    });
    const text = await response.text();
    if (!response.ok) throw new LoadError(this.#id, text);
  }
}
