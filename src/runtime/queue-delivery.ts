/** A batch of messages → the call that runs a `queue` handler. */
import { TroupeError } from "../errors.ts";
import type { QueueBatch, QueueMessage, QueueResult } from "./types.ts";

/** A worker of Miniflare's, as seen from Node: `queue` stands in no types of code outside a Worker. */
export interface QueueFetcher {
  queue(name: string, messages: unknown[], metadata: { metrics: unknown }): Promise<QueueResult>;
}

/**
 * Rejects when the process goes away before the handler is done.
 * @throws TroupeError UNREACHABLE when it never got the batch: it has just died, and is started again
 */
export async function deliver(worker: QueueFetcher, { queue, messages, metrics }: QueueBatch): Promise<QueueResult> {
  const { backlogCount, backlogBytes, oldestMessageTimestamp } = metrics;
  const about = {
    backlogCount,
    backlogBytes,
    ...(oldestMessageTimestamp > 0 && { oldestMessageTimestamp: new Date(oldestMessageTimestamp) }),
  };
  try {
    return await worker.queue(queue, messages.map(forHandler), { metrics: about });
  } catch (error) {
    const cause = (error as Error).cause ?? error;
    if ((cause as NodeJS.ErrnoException).code !== "ECONNREFUSED") throw error;
    throw new TroupeError("UNREACHABLE", "its process has died and is started again", { cause: error });
  }
}

function forHandler({ id, timestamp, attempts, contentType, body }: QueueMessage): unknown {
  const about = { id, timestamp: new Date(timestamp), attempts };
  if (contentType === "v8") return { ...about, serializedBody: new Uint8Array(body) };
  // Handlers get an ArrayBuffer, of this message alone.
  if (contentType === "bytes") return { ...about, body: new Uint8Array(body).buffer };
  const text = Buffer.from(body).toString("utf8");
  return { ...about, body: contentType === "json" ? JSON.parse(text) : text };
}
