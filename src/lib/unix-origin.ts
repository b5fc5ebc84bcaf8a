/**
 * Unix sockets where only an HTTP origin has room: `http://<its path in hex>.unix`. A connection over one takes a good deal
 * less of the processor than one over the loopback interface, at both ends.
 */
import net from "node:net";

const SUFFIX = ".unix";

/** A socket's path fits into so many bytes (`sun_path`, with its end: 108 on Linux, 104 elsewhere). */
const MAX_PATH = 103;

/** Whether a socket can lie at this path. */
export function fitsUnixSocket(path: string): boolean {
  return process.platform !== "win32" && Buffer.byteLength(path) <= MAX_PATH;
}

/** The origin of URLs that `connectLocal` leads to the socket at this path. */
export function unixOrigin(path: string): string {
  return `http://${Buffer.from(path).toString("hex")}${SUFFIX}`;
}

/** What `net.connect` takes. @param origin of a Unix socket, or `http://host:port` */
export function endpointOf(origin: string): { path: string } | { host: string; port: number } {
  const { hostname, port } = new URL(origin);
  if (hostname.endsWith(SUFFIX)) {
    return { path: Buffer.from(hostname.slice(0, -SUFFIX.length), "hex").toString() };
  }
  return { host: hostname, port: Number(port || 80) };
}

/** For undici's `connect` option: its clients reach such origins, too. */
export function connectLocal(
  { host, protocol }: { host?: string; hostname: string; protocol: string; port: string },
  callback: (...given: [null, net.Socket] | [Error, null]) => void,
): void {
  const socket = net.connect({ ...endpointOf(`${protocol}//${host}`), noDelay: true });
  const failed = (error: Error): void => callback(error, null);
  socket.once("error", failed);
  socket.once("connect", () => {
    socket.off("error", failed);
    callback(null, socket);
  });
}
