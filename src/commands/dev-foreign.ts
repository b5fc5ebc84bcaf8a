/** Flags of `wrangler dev` that are taken, and change nothing on one machine: who types them is told so. */
import type { Options } from "yargs";
import { type Diagnostic, TroupeError } from "../errors.ts";

const text = { type: "string", hidden: true } as const;
const flag = { type: "boolean", hidden: true } as const;

export const FOREIGN_FLAGS = {
  name: text,
  latest: flag,
  routes: { ...text, array: true, alias: "route" },
  host: text,
  "local-upstream": text,
  "infer-origin-from-routes": flag,
  "upstream-protocol": text,
  "inspector-ip": text,
  "enable-containers": flag,
  local: { ...flag, alias: "l" },
  remote: { ...flag, alias: "r" },
  tunnel: flag,
  "tunnel-name": text,
  "tunnel-allowed-mail": { ...text, array: true },
} satisfies Record<string, Options>;

export interface ForeignFlags {
  name?: string;
  routes?: string[];
  host?: string;
  localUpstream?: string;
  inferOriginFromRoutes?: boolean;
  upstreamProtocol?: string;
  inspectorIp?: string;
  enableContainers?: boolean;
  remote?: boolean;
  tunnel?: boolean;
  tunnelName?: string;
  tunnelAllowedMail?: string[];
}

const ORIGIN = "requests keep the host they were sent to";

/**
 * @returns a warning for each that is not used. `--latest` and `--local` are: it is always so
 * @throws TroupeError USAGE for what nobody would want ignored
 */
export function foreignWarnings(given: ForeignFlags): Diagnostic[] {
  if (given.remote) {
    throw new TroupeError("USAGE", "troupe dev always runs on this machine", {
      notes: ["Leave --remote away; to run on Cloudflare's network, deploy there"],
    });
  }
  if (given.tunnel || given.tunnelName !== undefined || given.tunnelAllowedMail) {
    throw new TroupeError("USAGE", "troupe dev opens no tunnel", {
      notes: [
        'Leave --tunnel away, and run "cloudflared tunnel --url http://localhost:8787" beside it (with its port)',
      ],
    });
  }
  const why: [flag: string, used: boolean, reason: string][] = [
    ["--name", given.name !== undefined, "a service has the name in its config"],
    ["--routes", given.routes !== undefined, "every service answers at its own hostname"],
    ["--host", given.host !== undefined, ORIGIN],
    ["--local-upstream", given.localUpstream !== undefined, ORIGIN],
    ["--infer-origin-from-routes", given.inferOriginFromRoutes === true, ORIGIN],
    ["--upstream-protocol", given.upstreamProtocol !== undefined, "no request goes on to another server"],
    [
      "--inspector-ip",
      !["127.0.0.1", "::1", "localhost", undefined].includes(given.inspectorIp),
      "the inspector lets anybody run code, so it listens on this machine alone",
    ],
    ["--enable-containers", given.enableContainers === true, "containers do not run on this machine"],
  ];
  return why
    .filter(([, used]) => used)
    .map(([name, , reason]) => ({
      severity: "warning",
      code: "unused-flag",
      message: `${name} is not used: ${reason}`,
    }));
}
