/** Where `dev` listens: what the command line says, else `[dev]` of the first service's config, else the defaults. */
import { type Diagnostic, type Location, TroupeError } from "../../errors.ts";
import { addressFault, anyFreePort, nextFreePort, portIsFree } from "../../lib/port.ts";
import type { Environment } from "../../model.ts";
import { portInUse } from "../port-in-use.ts";
import { settingLocator } from "../setting-location.ts";
import type { DevOptions } from "./types.ts";

/** Where `wrangler dev` listens too. */
const DEFAULT_PORT = 8787;
const DEFAULT_IP = "127.0.0.1";
/** Where debuggers look for Node first. */
const DEFAULT_INSPECTOR_PORT = 9229;
/** The inspector lets anybody run code, so it is never opened to a network. */
const INSPECTOR_IP = "127.0.0.1";
const LOOPBACK = [INSPECTOR_IP, "localhost", "::1"];

export interface Listening {
  ip: string;
  /** 0: any. */
  port: number;
  inspectorPort?: number;
  /** Paths of a certificate, or neither for one made on the spot; absent for http. */
  https?: { key?: string; cert?: string };
  /** About what `[dev]` says and nobody heeds. */
  warnings: Diagnostic[];
}

/** `[dev]` of a config: https://developers.cloudflare.com/workers/wrangler/configuration/#local-development-settings */
export interface DevSettings {
  ip?: string;
  port?: number;
  inspector_port?: number;
  inspector_ip?: string;
  local_protocol?: "http" | "https";
}

/** Why a key of `[dev]` changes nothing here. */
const UNUSED: Record<string, string> = {
  host: "requests keep the host they were sent to",
  upstream_protocol: "no request goes on to another server",
  enable_containers: "containers do not run on this machine",
  container_engine: "containers do not run on this machine",
  generate_types: "`troupe types` writes them",
};

/**
 * @throws TroupeError CONFLICT naming the process that holds a port asked for; USAGE, or CONFIG where the config says it, for
 *   what is no port or address
 */
export async function chooseListening(options: DevOptions, environment: Environment): Promise<Listening> {
  const settings = (environment.settings.dev ?? {}) as DevSettings;
  const locate = settingLocator(environment);
  const wish = (
    given: number | undefined,
    written: number | undefined,
    flag: string,
    key: string,
  ): Wish | undefined => {
    if (given !== undefined) return { port: given, flag };
    return written === undefined ? undefined : { port: written, flag, key, at: locate(key) };
  };
  const ip = anyAddress(options.ip ?? settings.ip ?? DEFAULT_IP);
  if (!LOOPBACK.includes(ip)) await requireAddress(ip, options.ip === undefined ? locate("dev.ip") : undefined);
  const port = wish(options.port, settings.port, "--port", "dev.port");
  const inspects = options.inspect || options.inspectorPort !== undefined;
  const inspector = wish(options.inspectorPort, settings.inspector_port, "--inspector-port", "dev.inspector_port");
  const https = options.httpsPaths ?? (settings.local_protocol === "https" ? {} : false);
  return {
    ip,
    port: port === undefined ? await nextFreePort(DEFAULT_PORT, ip) : port.port === 0 ? 0 : await requirePort(port, ip),
    // Settled before anything runs: every generation of the runtime listens at the same port, or debuggers lose it.
    ...(inspects && { inspectorPort: await inspectorPort(inspector) }),
    ...(https && { https }),
    warnings: await Promise.all(
      // In a config that a build tool wrote they are the tool's, and nobody's to mend.
      (environment.userDir === undefined ? unused(settings) : []).map(async ([key, why]): Promise<Diagnostic> => {
        const location = await locate(`dev.${key}`);
        const message = `\`dev.${key}\` is not used: ${why}`;
        return { severity: "warning", code: "unused-setting", message, ...(location && { location }) };
      }),
    ),
  };
}

/**
 * A warning for each setting of `[dev]` that is another one than when `dev` started: where it listens stays as it is.
 * @param before the settings then
 */
export async function changedSettings(
  options: DevOptions,
  before: DevSettings,
  environment: Environment,
): Promise<Diagnostic[]> {
  const now = (environment.settings.dev ?? {}) as DevSettings;
  const inspects = options.inspect && options.inspectorPort === undefined;
  const heeded: [keyof DevSettings, boolean][] = [
    ["ip", options.ip === undefined],
    ["port", options.port === undefined],
    ["inspector_port", inspects === true],
    ["local_protocol", options.httpsPaths === undefined],
  ];
  const locate = settingLocator(environment);
  const changed = heeded.filter(([key, counts]) => counts && now[key] !== before[key]);
  return Promise.all(
    changed.map(async ([key]): Promise<Diagnostic> => {
      const location = await locate(now[key] === undefined ? "dev" : `dev.${key}`);
      const message = `\`dev.${key}\` counts from the next start of \`troupe dev\` on`;
      return { severity: "warning", code: "needs-restart", message, ...(location && { location }) };
    }),
  );
}

function unused(settings: DevSettings): [key: string, why: string][] {
  return Object.entries(settings).flatMap(([key, value]): [string, string][] => {
    if (key === "inspector_ip") {
      return LOOPBACK.includes(value) ? [] : [[key, "the inspector listens on this machine alone"]];
    }
    return UNUSED[key] && value !== false ? [[key, UNUSED[key]]] : [];
  });
}

/** Wrangler's `*`. */
function anyAddress(ip: string): string {
  return ip === "*" ? "0.0.0.0" : ip;
}

async function inspectorPort(wish: Wish | undefined): Promise<number> {
  if (!wish) return nextFreePort(DEFAULT_INSPECTOR_PORT, INSPECTOR_IP);
  return wish.port === 0 ? anyFreePort(INSPECTOR_IP) : requirePort(wish, INSPECTOR_IP);
}

async function requireAddress(ip: string, at: Promise<Location> | undefined): Promise<void> {
  const fault = await addressFault(ip);
  if (fault === undefined) return;
  const location = await at;
  throw new TroupeError(location ? "CONFIG" : "USAGE", `${ip} is no address of this machine (${fault})`, {
    ...(location && { location }),
    notes: ["127.0.0.1 is this machine alone, 0.0.0.0 everybody who can reach it"],
  });
}

/** A port that somebody asked for. */
interface Wish {
  port: number;
  flag: string;
  /** The setting that says it, when no flag does. */
  key?: string;
  at?: Promise<Location> | undefined;
}

async function requirePort({ port, flag, key, at }: Wish, ip: string): Promise<number> {
  const location = await at;
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    const message = `${key ? `\`${key}\`` : flag} takes a number from 0 to 65535, not ${port}`;
    throw new TroupeError(key ? "CONFIG" : "USAGE", message, { ...(location && { location }) });
  }
  if (await portIsFree(port, ip)) return port;
  throw await portInUse(
    port,
    key
      ? `Stop that process, or pick another port with ${flag} (0: any)`
      : `Stop that process, pick another port, or leave ${flag} away: the next free one is taken then`,
    location && { location },
  );
}
