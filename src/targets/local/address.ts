/** Under which addresses deployed environments answer. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { DEFAULT_BASE } from "../../host/hostname.ts";
import { isAlive, type LockOwner } from "../../lib/lock.ts";
import type { Address } from "./info.ts";

/** The port of `troupe serve`, unless another is asked for. */
export const DEFAULT_PORT = 8787;

/** What a running `troupe serve` leaves in the state folder, as far as it matters here. */
interface Running extends LockOwner {
  scheme?: string;
  base?: string;
  port?: number;
}

/** Where the host of this state folder listens; what it would be by default, when none runs. */
export function addressIn(folder: string): Address {
  const { scheme = "http", base = DEFAULT_BASE, port = DEFAULT_PORT } = running(path.join(folder, "serve.json"));
  const standard = port === (scheme === "https" ? 443 : 80);
  return { base, scheme, port: standard ? "" : `:${port}` };
}

function running(file: string): Partial<Running> {
  try {
    const owner = JSON.parse(readFileSync(file, "utf8")) as Running;
    return isAlive(owner) ? owner : {};
  } catch {
    return {};
  }
}
