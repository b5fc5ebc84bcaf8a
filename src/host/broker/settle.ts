/** From what a `queue` handler said to what becomes of each message. */
import type { QueueResult } from "../../runtime/types.ts";
import type { Settlement, StoredMessage } from "./message-store.ts";
import type { Consumer } from "./types.ts";

/** The handler never came to an end. */
export const BROKEN: QueueResult = {
  outcome: "exception",
  ackAll: false,
  retryBatch: { retry: false },
  explicitAcks: [],
  retryMessages: [],
};

/**
 * What was said of one message counts, then what was said of all, then whether the handler came to a good end:
 * https://developers.cloudflare.com/queues/configuration/batching-retries/
 */
export function settlementOf(
  batch: readonly StoredMessage[],
  consumer: Consumer,
  result: QueueResult,
  now: number,
): Settlement {
  const acks = new Set(result.explicitAcks);
  const retries = new Map(result.retryMessages.map(({ msgId, delaySeconds }) => [msgId, delaySeconds]));
  const retryAll = result.retryBatch.retry || (!result.ackAll && result.outcome !== "ok");
  const acked: number[] = [];
  const retried: { seq: number; availableAt: number }[] = [];
  const over: number[] = [];
  for (const { seq, id, attempts } of batch) {
    if (acks.has(id) || !(retries.has(id) || retryAll)) acked.push(seq);
    else if (attempts > consumer.maxRetries) over.push(seq);
    else {
      const delay = retries.get(id) ?? result.retryBatch.delaySeconds ?? consumer.retryDelay;
      retried.push({ seq, availableAt: now + delay * 1000 });
    }
  }
  const { deadLetterQueue } = consumer;
  if (deadLetterQueue === undefined) return { acked, retried, dropped: over, dead: [] };
  return { acked, retried, dropped: [], dead: over, deadLetterQueue };
}
