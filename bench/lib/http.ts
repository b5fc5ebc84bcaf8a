/** A small client: one connection, one request after the other, as fast as it goes. */
import http from "node:http";
import net from "node:net";
import { type Child, delay } from "./processes.ts";

export interface Answer {
  status: number;
  body: string;
}

export class Client {
  readonly origin: string;
  #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  constructor(port: number) {
    this.origin = `http://127.0.0.1:${port}`;
  }

  /** `localhost` in the Host header: tools that tell services apart by hostname answer with the first. */
  get(path = "/", headers: Record<string, string> = {}): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const port = new URL(this.origin).port;
    const request = http.get(this.origin + path, {
      agent: this.#agent,
      headers: { host: `localhost:${port}`, ...headers },
    });
    request.once("error", reject);
    request.once("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () => resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString() }));
    });
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/**
 * Asks again and again until an answer is good.
 * @throws Error when the process behind it ends, or after two minutes
 */
export async function until(
  client: Client,
  child: Child,
  isGood: (answer: Answer) => boolean,
  options: { path?: string; pause?: number } = {},
): Promise<Answer> {
  const deadline = performance.now() + 120_000;
  let last = "no answer";
  while (performance.now() < deadline) {
    try {
      const answer = await client.get(options.path);
      if (isGood(answer)) return answer;
      last = `${answer.status} ${answer.body.slice(0, 300)}`;
    } catch (error) {
      last = String(error);
    }
    if (child.hasExited()) break;
    await delay(options.pause ?? 2);
  }
  throw new Error(
    `${child.hasExited() ? "the process ended" : "no good answer in time"}; last: ${last}\n${child.output().slice(-4000)}`,
  );
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
