/** A broker before a real graph: `shop` sends, `worker` receives and does what each message says. */
import { type Broker, type BrokerOptions, type Consumer, createBroker } from "../../src/host/broker/index.ts";
import type { BatchReport } from "../../src/host/broker/types.ts";
import { endpointOf } from "../../src/lib/unix-origin.ts";
import { createGraphRuntime } from "../../src/runtime/index.ts";
import type { GraphRuntime } from "../../src/runtime/types.ts";
import { graph } from "../support/graph.ts";

/** Sends what it is told with POST: `{ queue, messages: [{ body, contentType?, delaySeconds? }], one? }`. */
export const PRODUCER = `
const made = { text: (v) => v, json: (v) => v, bytes: (v) => new Uint8Array(v), v8: (v) => new Map(v) };
export default {
  async fetch(request, env) {
    if (request.method === "GET") return Response.json(await env.JOBS.metrics());
    const { messages, one, options } = await request.json();
    try {
      const all = messages.map(({ body, size, ...rest }) =>
        ({ ...rest, body: size ? "x".repeat(size) : made[rest.contentType ?? "json"](body) }));
      if (!one) return Response.json(await env.JOBS.sendBatch(all, options));
      const [{ body, ...rest }] = all;
      return Response.json(await env.JOBS.send(body, rest));
    } catch (error) {
      return Response.json({ error: error.message }, { status: 500 });
    }
  },
};`;

/** Tells each batch with a log line of JSON, and does what the messages say. */
export const CONSUMER = `
const shown = (body) => body instanceof ArrayBuffer ? { bytes: [...new Uint8Array(body)] } : body instanceof Map ? { map: [...body] } : body;
export default {
  async queue(batch, env) {
    const messages = batch.messages.map(({ id, attempts, body, timestamp }) => ({ id, attempts, body: shown(body), timestamp: timestamp.getTime() }));
    console.log(JSON.stringify({ queue: batch.queue, messages, metrics: batch.metadata?.metrics, version: VERSION }));
    for (const message of batch.messages) {
      const { does, until = Infinity, version = VERSION, delaySeconds } = message.body ?? {};
      if (message.attempts > until || version !== VERSION) continue;
      if (does === "ack") message.ack();
      if (does === "retry") message.retry({ delaySeconds });
      if (does === "retryAll") batch.retryAll({ delaySeconds });
      if (does === "throw") throw new Error("refused");
      if (does === "hang") await new Promise(() => setInterval(() => {}, 1000));
    }
  },
};`;

export interface Delivered {
  queue: string;
  messages: { id: string; attempts: number; body: unknown; timestamp: number }[];
  metrics: { backlogCount: number; backlogBytes: number };
  version: number;
}

export interface Scene {
  broker: Broker;
  runtime: GraphRuntime;
  delivered: Delivered[];
  reports: BatchReport[];
  /** When each batch was handed over. */
  times: number[];
  /** Resolves when there are as many reports, and lines of the handler that tell of a batch. */
  batches(count: number): Promise<void>;
  /** Resolves when `seen()` is true; looked at after every batch. */
  until(seen: () => boolean): Promise<void>;
  send(request: unknown): Promise<{ status: number; body: unknown }>;
  get(): Promise<unknown>;
  swap(version: number): Promise<void>;
  close(): Promise<void>;
}

export function consumer(settings: Partial<Consumer> = {}): Consumer {
  return {
    queue: "jobs",
    worker: "worker@production",
    maxBatchSize: 10,
    maxBatchTimeout: 0,
    maxRetries: 3,
    retryDelay: 0,
    ...settings,
  };
}

export async function startScene(
  consumers: Consumer[],
  options: Partial<BrokerOptions> & { deliveryDelay?: number } = {},
): Promise<Scene> {
  const delivered: Delivered[] = [];
  const reports: BatchReport[] = [];
  const times: number[] = [];
  const waiting = new Set<() => void>();
  const look = (): void => {
    for (const wake of waiting) wake();
  };
  const runtime = createGraphRuntime({
    onEvent(event) {
      if (event.type !== "log" || event.worker !== "worker@production") return;
      delivered.push(JSON.parse(event.message));
      look();
    },
    queues: (queue, request) => broker.handle(queue, request),
    drain: { overlap: 2_000 },
  });
  const broker = createBroker({
    deliver({ worker }, batch) {
      times.push(Date.now());
      return runtime.queue(worker, batch);
    },
    onBatch(report) {
      reports.push(report);
      look();
    },
    ...options,
  });
  const swap = async (version: number): Promise<void> => {
    await runtime.swap(
      graph({
        shop: {
          code: PRODUCER,
          bindings: [
            {
              name: "JOBS",
              kind: "queue",
              entry: { delivery_delay: options.deliveryDelay },
              resource: "jobs",
            },
          ],
        },
        worker: { code: `const VERSION = ${version};${CONSUMER}` },
      }),
    );
  };
  await swap(1);
  broker.consume(consumers);
  const ask = async (init?: RequestInit): Promise<{ status: number; body: unknown }> => {
    const lease = await runtime.acquire("shop@production");
    try {
      const { default: http } = await import("node:http");
      const endpoint = endpointOf(lease.origin);
      const to = "path" in endpoint ? { socketPath: endpoint.path } : endpoint;
      return await new Promise((resolve, reject) => {
        const request = http.request({ ...to, path: "http://shop/", method: init?.method ?? "GET" }, (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk) => chunks.push(chunk));
          response.on("end", () =>
            resolve({ status: response.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString()) }),
          );
        });
        request.once("error", reject);
        request.end(init?.body as string | undefined);
      });
    } finally {
      lease.release();
    }
  };
  const until = (seen: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        if (!seen()) return;
        waiting.delete(wake);
        resolve();
      };
      waiting.add(wake);
      wake();
    });
  return {
    broker,
    runtime,
    delivered,
    reports,
    times,
    until,
    batches: (count) => until(() => reports.length >= count && delivered.length >= count),
    send: (request) => ask({ method: "POST", body: JSON.stringify(request) }),
    get: async () => (await ask()).body,
    swap,
    async close() {
      await broker.close();
      await runtime.close();
    },
  };
}
