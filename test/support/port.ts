/** Ports for those that must know theirs before they listen. Who can, listens on port 0. */
import { randomInt } from "node:crypto";
import { portIsFree } from "../../src/lib/port.ts";

/**
 * A port of this machine that nothing listens on, and that nobody gets by chance meanwhile: the system hands out those from
 * 32768 on (https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html, `ip_local_port_range`), elsewhere from 49152 on.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    if (await portIsFree(port, "127.0.0.1")) return port;
  }
}
