/** A batch of messages → the call that runs a `queue` handler. */
import type { QueueBatch, QueueMessage, QueueResult } from "./types.ts";

/** A worker of Miniflare's, as seen from Node: `queue` stands in no types of code outside a Worker. */
export interface QueueFetcher {
  queue(name: string, messages: unknown[], metadata: { metrics: unknown }): Promise<QueueResult>;
}

export function deliver(worker: QueueFetcher, { queue, messages, metrics }: QueueBatch): Promise<QueueResult> {
  const { backlogCount, backlogBytes, oldestMessageTimestamp } = metrics;
  return worker.queue(queue, messages.map(forHandler), {
    metrics: {
      backlogCount,
      backlogBytes,
      ...(oldestMessageTimestamp > 0 && { oldestMessageTimestamp: new Date(oldestMessageTimestamp) }),
    },
  });
}

function forHandler({ id, timestamp, attempts, contentType, body }: QueueMessage): unknown {
  const about = { id, timestamp: new Date(timestamp), attempts };
  if (contentType === "v8") return { ...about, serializedBody: new Uint8Array(body) };
  // Handlers get an ArrayBuffer, of this message alone.
  if (contentType === "bytes") return { ...about, body: new Uint8Array(body).buffer };
  const text = Buffer.from(body).toString("utf8");
  return { ...about, body: contentType === "json" ? JSON.parse(text) : text };
}
