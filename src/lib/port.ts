/** Ports: is one free, which one is, and who holds it. */
import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** How often a port is looked at, in ms. */
const POLL = 5;

/** Whether a server could listen on `host:port` now. */
export function portIsFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Resolves when a port that is about to become free is so, or when `late` has settled. */
export async function portFreed(port: number, host: string, late: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  void late.finally(() => over.abort()).catch(() => {});
  while (!over.signal.aborted && !(await portIsFree(port, host))) {
    await sleep(POLL, undefined, { signal: over.signal }).catch(() => {});
  }
}

/**
 * Why nobody can listen on an address at all, as the code of the system's error; undefined: it can be listened on.
 */
export function addressFault(host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port: 0, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/**
 * The first free port from `start` on.
 * @throws Error when the next 100 are all taken
 */
export async function nextFreePort(start: number, host: string): Promise<number> {
  for (let port = start; port < Math.min(start + 100, 65536); port++) if (await portIsFree(port, host)) return port;
  throw new Error(`no free port between ${start} and ${start + 99}`);
}

/** A port that is free now; the system picks it. */
export function anyFreePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen({ port: 0, host, exclusive: true }, () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

export interface PortHolder {
  pid: number;
  /** Command line, shortened to its first words. */
  command: string;
}

/** The process listening on a TCP port of this machine, if that can be found out (it may belong to another user). */
export async function portHolder(port: number): Promise<PortHolder | undefined> {
  try {
    return process.platform === "linux" ? await fromProc(port) : await fromLsof(port);
  } catch {
    return undefined;
  }
}

/** Linux: the socket's inode from /proc/net/tcp, then the process with that inode among its files (proc(5)). */
async function fromProc(port: number): Promise<PortHolder | undefined> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((file) => readFile(file, "utf8").catch(() => "")),
  );
  const inodes = new Set<string>();
  for (const line of tables.join("\n").split("\n")) {
    const fields = line.trim().split(/\s+/);
    // Field 1: local address:port, 3: state (0A is LISTEN), 9: inode.
    if (fields[3] === "0A" && fields[1]?.endsWith(`:${hexPort}`) && fields[9]) inodes.add(`socket:[${fields[9]}]`);
  }
  if (inodes.size === 0) return undefined;
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const link = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => "");
      if (!inodes.has(link)) continue;
      const command = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0").filter(Boolean);
      return { pid: Number(pid), command: shorten(command) };
    }
  }
  return undefined;
}

async function fromLsof(port: number): Promise<PortHolder | undefined> {
  const output = await new Promise<string>((resolve, reject) => {
    execFile("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"], (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    );
  });
  const pid = /^p(\d+)$/m.exec(output)?.[1];
  return pid ? { pid: Number(pid), command: /^c(.+)$/m.exec(output)?.[1] ?? "" } : undefined;
}

function shorten(command: string[]): string {
  const text = command.join(" ");
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
