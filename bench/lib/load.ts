/**
 * A steady load from a process of its own: 50 keep-alive connections, each asking again as soon as it has an answer.
 * node load.ts PORT HOST SECONDS [write]   (0 seconds: until stdin ends; write: each request has an id in its query)
 * Prints `{ requests, lost, reason, longest, seconds, cpu, written }` as JSON.
 *
 * It shares the cores with what it measures, so it does as little as it can: sockets, one write and one look at the answer
 * for each request. (Node's own HTTP client takes five times as long, and more than workerd does to answer.)
 */
import net from "node:net";

const [port, host, seconds, write] = process.argv.slice(2);
const CONNECTIONS = 50;
const RECONNECT_AFTER = 10;

const outcome = { requests: 0, lost: 0, reason: "", longest: 0, seconds: 0, cpu: 0, written: [] as string[] };
let running = true;
let open = CONNECTIONS;
const begun = performance.now();
if (Number(seconds) > 0) setTimeout(stop, Number(seconds) * 1000);
else process.stdin.on("end", stop).resume();

function stop(): void {
  running = false;
}

function finish(): void {
  outcome.seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage();
  outcome.cpu = (user + system) / 1e6;
  process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit());
}

/** One connection after the other, one request after the other. */
function client(index: number): void {
  let count = 0;
  let startedAt = 0;
  let id = "";
  let waiting = false;
  let seen = "";
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
    const target = write ? `POST /?id=${id} HTTP/1.1\r\nContent-Length: 0` : "GET / HTTP/1.1";
    socket.write(`${target}\r\nHost: ${host}\r\n\r\n`, "latin1");
  };
  const answered = (status: number, keepAlive: boolean): void => {
    waiting = false;
    outcome.longest = Math.max(outcome.longest, performance.now() - startedAt);
    if (status !== 200) lose(`status ${status}: ${seen.slice(0, 500)}`);
    else if (write) outcome.written.push(id);
    seen = "";
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
    seen = "";
    socket = net.connect({ port: Number(port), host: "127.0.0.1", noDelay: true });
    socket.on("connect", ask);
    socket.on("data", (chunk) => {
      seen += chunk.toString("latin1");
      const answer = readAnswer(seen);
      if (answer) answered(answer.status, answer.keepAlive);
    });
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

/** @returns undefined while there is more to come */
function readAnswer(seen: string): { status: number; keepAlive: boolean } | undefined {
  const end = seen.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = seen.slice(0, end).toLowerCase();
  const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
  const whole =
    length !== undefined
      ? seen.length >= end + 4 + Number(length)
      : !/\r\ntransfer-encoding: *chunked/.test(head) || seen.endsWith("\r\n0\r\n\r\n");
  if (!whole) return undefined;
  return { status: Number(head.slice(9, 12)), keepAlive: !/\r\nconnection: *close/.test(head) };
}

for (let index = 0; index < CONNECTIONS; index++) client(index);
