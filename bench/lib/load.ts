/**
 * A steady load from a process of its own: 50 keep-alive connections, each asking again as soon as it has an answer.
 * node load.ts PORT HOST SECONDS [write]   (0 seconds: until stdin ends; write: each request has an id in its query)
 * Prints `{ requests, lost, reason, longest, written }` as JSON.
 */
import http from "node:http";

const [port, host, seconds, write] = process.argv.slice(2);
const CONNECTIONS = 50;

const outcome = { requests: 0, lost: 0, reason: "", longest: 0, written: [] as string[] };
let running = true;
if (Number(seconds) > 0) setTimeout(stop, Number(seconds) * 1000);
else process.stdin.on("end", stop).resume();

function stop(): void {
  running = false;
}

async function client(index: number): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (let count = 0; running; count++) {
    const id = `${index}-${count}`;
    const startedAt = performance.now();
    outcome.requests++;
    try {
      const status = await ask(agent, write ? `/?id=${id}` : "/");
      if (status !== 200) throw new Error(`status ${status}`);
      if (write) outcome.written.push(id);
    } catch (error) {
      outcome.lost++;
      outcome.reason = String(error);
    }
    outcome.longest = Math.max(outcome.longest, performance.now() - startedAt);
  }
  agent.destroy();
}

function ask(agent: http.Agent, path: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const method = write ? "POST" : "GET";
  const request = http.request({ port: Number(port), agent, method, path, headers: { host: host! } });
  request.once("error", reject);
  request.once("response", (response) => {
    response.once("end", () => resolve(response.statusCode!));
    response.once("error", reject);
    response.resume();
  });
  request.end();
  return promise;
}

await Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => client(index)));
process.stdout.write(`${JSON.stringify(outcome)}\n`);
process.exit();
