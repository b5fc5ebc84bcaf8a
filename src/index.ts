/** The library: `import { startDev } from "troupe"`. What is exported here is a promise (docs/cli.md). */
import { startDev as start } from "./ops/dev/index.ts";
import type { DevOptions, DevServer } from "./ops/dev/types.ts";
import { type PlatformProxy, type PlatformProxyOptions, getPlatformProxy as proxy } from "./ops/platform-proxy.ts";

export { type Diagnostic, type ErrorCode, type Location, TroupeError } from "./errors.ts";
export type { DevEvent, DevOptions, DevServer, GraphView } from "./ops/dev/types.ts";
export type { PlatformCache, PlatformCaches, PlatformProxy, PlatformProxyOptions } from "./ops/platform-proxy.ts";

/**
 * Runs services from source, with everything they bind, in one process: what `troupe dev` does, for your own tests.
 * `cwd` and `processEnv` are this process's own by default. Call `stop()` when done; `port: 0` takes any free port,
 * `watch: false` leaves files alone, `persistTo: false` starts without data.
 * @throws TroupeError CONFIG, NOT_FOUND, CONFLICT (port or data folder in use), BUILD, START
 */
export function startDev(options: Partial<DevOptions> = {}): Promise<DevServer> {
  return start({ cwd: process.cwd(), processEnv: process.env, ...options });
}

/**
 * The `env` of a service for code that runs in Node: what Wrangler's `getPlatformProxy` gives, with bound services of the
 * workspace really running. `cwd` and `processEnv` are this process's own by default. Call `dispose()` when done.
 * @throws TroupeError CONFIG, NOT_FOUND, BUILD, START, CONFLICT (a running `dev` holds the data: pass `persist`)
 */
export function getPlatformProxy<Env = Record<string, unknown>, Cf = Record<string, unknown>>(
  options: PlatformProxyOptions = {},
): Promise<PlatformProxy<Env, Cf>> {
  return proxy<Env, Cf>({ cwd: process.cwd(), processEnv: process.env, ...options });
}
