/**
 * A steady load from a process of its own: 50 keep-alive connections, each asking again as soon as it has an answer.
 * node load.ts PORT HOST SECONDS [write]   (0 seconds: until stdin ends; write: each request has an id in its query)
 * Prints `{ requests, lost, reason, longest, seconds, cpu, written }` as JSON.
 *
 * It shares the cores with what it measures, so it does as little as it can: sockets, one write and one look at the answer
 * for each request, into memory that is there already; heads that came before are not read again. (Node's own HTTP client
 * takes five times as long, and more than workerd does to answer.)
 */
import net from "node:net";

const [port, host, seconds, write] = process.argv.slice(2);
const CONNECTIONS = 50;
const RECONNECT_AFTER = 10;
/** What is read at a time; all connections share it. */
const READ = Buffer.allocUnsafeSlow(64 * 1024);

const outcome = { requests: 0, lost: 0, reason: "", longest: 0, seconds: 0, cpu: 0, written: [] as string[] };
let running = true;
let open = CONNECTIONS;
const begun = performance.now();
const cpuAtBegin = process.cpuUsage();
const GET = Buffer.from(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
if (Number(seconds) > 0) setTimeout(stop, Number(seconds) * 1000);
else process.stdin.on("end", stop).resume();

function stop(): void {
  running = false;
}

function finish(): void {
  outcome.seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpuAtBegin);
  outcome.cpu = (user + system) / 1e6;
  process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit());
}

/** One connection after the other, one request after the other. */
function client(index: number): void {
  let count = 0;
  let startedAt = 0;
  let id = "";
  let waiting = false;
  /** Of an answer that did not come in one piece. */
  let seen: Buffer[] = [];
  let socket: net.Socket;

  const ask = (): void => {
    if (!running) {
      leave();
      return;
    }
    id = `${index}-${count++}`;
    outcome.requests++;
    startedAt = performance.now();
    waiting = true;
    socket.write(write ? `POST /?id=${id} HTTP/1.1\r\nContent-Length: 0\r\nHost: ${host}\r\n\r\n` : GET);
  };
  const answered = ({ status, keepAlive }: Head, answer: Buffer): void => {
    waiting = false;
    outcome.longest = Math.max(outcome.longest, performance.now() - startedAt);
    if (status !== 200) lose(`status ${status}: ${answer.toString("latin1", 0, 500)}`);
    else if (write) outcome.written.push(id);
    if (keepAlive) ask();
    else reconnect();
  };
  const lose = (reason: string): void => {
    outcome.lost++;
    outcome.reason = reason;
  };
  const forget = (): void => {
    socket?.removeAllListeners().on("error", () => {});
    socket?.destroy();
  };
  const leave = (): void => {
    forget();
    if (--open === 0) finish();
  };
  const reconnect = (): void => {
    forget();
    seen = [];
    const callback = (length: number, buffer: Uint8Array): boolean => {
      const chunk = (buffer as Buffer).subarray(0, length);
      const bytes = seen.length === 0 ? chunk : Buffer.concat([...seen, chunk]);
      const head = wholeAnswer(bytes);
      if (head) {
        seen = [];
        answered(head, bytes);
      } else seen.push(Buffer.from(chunk));
      return true;
    };
    socket = net.connect({
      port: Number(port),
      host: "127.0.0.1",
      noDelay: true,
      onread: { buffer: READ, callback },
    });
    socket.on("connect", ask);
    socket.on("error", (error) => gone(error.message));
    socket.on("close", () => gone("closed"));
  };
  const gone = (reason: string): void => {
    // A request that could not even be sent is lost as well.
    if (!waiting) outcome.requests++;
    if (waiting) outcome.longest = Math.max(outcome.longest, performance.now() - startedAt);
    waiting = false;
    lose(reason);
    forget();
    if (running) setTimeout(reconnect, RECONNECT_AFTER);
    else leave();
  };
  reconnect();
}

interface Head {
  status: number;
  /** Of the body; undefined: in chunks, or none. */
  length: number | undefined;
  chunked: boolean;
  keepAlive: boolean;
}

const last: { text: string; head: Head | undefined } = { text: "", head: undefined };

/** @returns undefined while there is more to come */
function wholeAnswer(bytes: Buffer): Head | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const text = bytes.toString("latin1", 0, end);
  if (text !== last.text || !last.head) {
    last.text = text;
    last.head = readHead(text.toLowerCase());
  }
  const { length, chunked } = last.head;
  const whole =
    length !== undefined
      ? bytes.length >= end + 4 + length
      : !chunked || bytes.toString("latin1", bytes.length - 7) === "\r\n0\r\n\r\n";
  return whole ? last.head : undefined;
}

function readHead(lower: string): Head {
  const length = /\r\ncontent-length: *(\d+)/.exec(lower)?.[1];
  return {
    status: Number(lower.slice(9, 12)),
    length: length === undefined ? undefined : Number(length),
    chunked: /\r\ntransfer-encoding: *chunked/.test(lower),
    keepAlive: !/\r\nconnection: *close/.test(lower),
  };
}

for (let index = 0; index < CONNECTIONS; index++) client(index);
