/** `getPlatformProxy`: the `env` of a service for Node code, such as a framework's own dev server. */
import { localCf } from "../host/headers.ts";
import { DevSession } from "./dev/session.ts";
import type { DevEvent, DevOptions } from "./dev/types.ts";

export interface PlatformProxyOptions {
  cwd?: string;
  /** Config file; default: found upwards from `cwd`. */
  configPath?: string;
  environment?: string;
  /** The service whose `env` is wanted. Default: the one of `cwd`, or the first of the workspace. */
  service?: string;
  envFiles?: string[];
  /** `false`: data in memory. `{ path }`: data there. Default: where `dev` keeps it. */
  persist?: boolean | { path: string };
  processEnv?: Record<string, string | undefined>;
  /** Gets warnings, and what bound services log. */
  onEvent?(event: DevEvent): void;
}

/** The Cache API as code in a Worker has it. https://developers.cloudflare.com/workers/runtime-apis/cache/ */
export interface PlatformCaches {
  readonly default: PlatformCache;
  open(name: string): Promise<PlatformCache>;
}

export interface PlatformCache {
  match(request: Request | string | URL, options?: { ignoreMethod?: boolean }): Promise<Response | undefined>;
  put(request: Request | string | URL, response: Response): Promise<void>;
  delete(request: Request | string | URL, options?: { ignoreMethod?: boolean }): Promise<boolean>;
}

/** The shape of Wrangler's own: https://developers.cloudflare.com/workers/wrangler/api/#getplatformproxy */
export interface PlatformProxy<Env = Record<string, unknown>, Cf = Record<string, unknown>> {
  env: Env;
  cf: Cf;
  ctx: { waitUntil(promise: Promise<unknown>): void; passThroughOnException(): void; props: Record<string, unknown> };
  caches: PlatformCaches;
  dispose(): Promise<void>;
}

/**
 * Runs a service with everything it binds, without listening, and gives its `env`. Bound services really run, from their
 * source. Call `dispose()` when done.
 * @throws TroupeError CONFIG, NOT_FOUND, BUILD, START; CONFLICT when a running `dev` holds the data (then pass `persist`)
 */
export async function getPlatformProxy<Env = Record<string, unknown>, Cf = Record<string, unknown>>(
  options: PlatformProxyOptions & { cwd: string },
): Promise<PlatformProxy<Env, Cf>> {
  const session = new DevSession(devOptions(options), {
    caches: true,
    open: async () => {},
    emit: (event) => options.onEvent?.(event),
    // Nobody listens: addresses of services are made up and lead nowhere.
    origin: (label) => `http://${label ? `${label}.` : ""}localhost`,
    settled: () => {},
    observe: () => {},
  });
  try {
    await session.load();
    await session.start();
    const env = await session.runtime.bindings(session.plan!.primary);
    return {
      env: env as Env,
      cf: JSON.parse(localCf("1.1", false)) as Cf,
      ctx: { waitUntil: () => {}, passThroughOnException: () => {}, props: {} },
      caches: (await session.runtime.caches()) as unknown as PlatformCaches,
      dispose: () => session.stop(),
    };
  } catch (error) {
    await session.stop();
    throw error;
  }
}

function devOptions(options: PlatformProxyOptions & { cwd: string }): DevOptions {
  const { cwd, configPath, environment, service, envFiles, persist, processEnv } = options;
  return {
    cwd,
    processEnv,
    envFiles,
    watch: false,
    ...(configPath !== undefined && { config: [configPath] }),
    ...(environment !== undefined && { env: environment }),
    ...(service !== undefined && { service: [service] }),
    ...(persist === false && { persistTo: false as const }),
    ...(typeof persist === "object" && { persistTo: persist.path }),
  };
}
