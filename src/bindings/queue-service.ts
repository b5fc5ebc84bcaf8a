/**
 * Where queue bindings lead when somebody keeps the messages: to a small worker in the graph, and from there to Node.
 * The binding stays the runtime's own `Queue`, with its checks and errors.
 */
import { createRequire } from "node:module";
import path from "node:path";
import { packageFolder, UNBUNDLED } from "../package.ts";
import type { MiniflareBindingInput, WorkerOptions } from "./kind.ts";

/** Which queue a binding sends to. */
export interface QueueProps {
  queue: string;
  /** Seconds; for messages that say nothing themselves. */
  deliveryDelay?: number;
}

/** What the runtime's queue binding asks. */
export interface QueueRequest {
  method: string;
  /** `/message`, `/batch`, `/metrics`. */
  path: string;
  headers: Headers;
  body: Uint8Array;
}

export interface QueueResponse {
  status: number;
  headers?: Record<string, string>;
  body: string;
}

/** Keeps what is sent to queues. Its answer is the answer to the code that sends. */
export type QueueService = (queue: QueueProps, request: QueueRequest) => Promise<QueueResponse>;

/** Type of the binding, which queue-plugin.ts makes. */
export const QUEUE_TYPE = "troupe-queue";

/** What stands in `dev.options` of such a binding. */
export interface QueueTarget {
  worker: string;
  entrypoint: string;
  props: QueueProps;
}

/** The one that runs: as CommonJS, which it is, it is not read a second time for its names. */
export function miniflare(): typeof import("miniflare") {
  return createRequire(import.meta.url)("miniflare") as typeof import("miniflare");
}

const WORKER = "troupe:queues";
const ENTRYPOINT = "Producer";
const HEADER = "x-troupe-queue";

const SOURCE = `
import { WorkerEntrypoint } from "cloudflare:workers";

export class ${ENTRYPOINT} extends WorkerEntrypoint {
  fetch(request) {
    const headers = new Headers(request.headers);
    headers.set("${HEADER}", encodeURIComponent(JSON.stringify(this.ctx.props)));
    return this.env.SERVICE.fetch(new Request(request, { headers }));
  }
}

export default {};
`;

/** A binding of Miniflare that sends to our broker instead of its own. */
export function queueBinding(props: QueueProps): MiniflareBindingInput {
  const options: QueueTarget = { worker: WORKER, entrypoint: ENTRYPOINT, props };
  const file = UNBUNDLED ? "src/bindings/queue-plugin.ts" : "dist/queue-plugin.js";
  const plugin = { package: path.join(packageFolder(), file), name: QUEUE_TYPE };
  return { type: `unsafe:${QUEUE_TYPE}`, dev: { plugin, options: { ...options } } };
}

/** The worker that queue bindings of a graph lead to. */
export function queueWorker(service: QueueService): WorkerOptions {
  return {
    config: {
      name: WORKER,
      compatibilityDate: "2026-01-01",
      manifest: { mainModule: "index.js", modules: { "index.js": { type: "esm", contents: SOURCE } } },
      env: {
        SERVICE: {
          type: "fetcher",
          handler: async (request) => {
            const props = JSON.parse(decodeURIComponent(request.headers.get(HEADER)!)) as QueueProps;
            const { body, ...init } = await service(props, {
              method: request.method,
              path: new URL(request.url).pathname,
              headers: request.headers as unknown as Headers,
              body: new Uint8Array(await request.arrayBuffer()),
            });
            return new (miniflare().Response)(body, init);
          },
        },
      },
    },
  };
}
