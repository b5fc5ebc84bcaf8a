/**
 * What the runtime's queue binding asks, and how it is answered. The binding checks content types itself and leaves the
 * limits to us: https://github.com/cloudflare/workerd/blob/main/src/workerd/api/queue.c++
 */
import * as z from "zod";
import type { QueueProps, QueueRequest, QueueResponse } from "../../bindings/queue-service.ts";
import { TroupeError } from "../../errors.ts";
import type { QueueMetrics } from "../../runtime/types.ts";
import type { NewMessage } from "./types.ts";

/** https://developers.cloudflare.com/queues/platform/limits/ (KB are 1000 bytes there) */
const MESSAGE_BYTES = 128_000;
const BATCH_MESSAGES = 100;
const BATCH_BYTES = 256_000;
const DELAY_SECONDS = 24 * 60 * 60;

const contentType = z.enum(["text", "bytes", "json", "v8"]).default("v8");

const batch = z.object({
  messages: z.array(z.object({ body: z.base64(), contentType, delaySecs: z.number().optional() })),
});

/** What a request sends. @throws TroupeError USAGE when it is none that a binding makes */
export function messagesOf({ deliveryDelay }: QueueProps, { path, headers, body }: QueueRequest): NewMessage[] {
  const delay = headers.get("x-msg-delay-secs");
  const delaySeconds = delay === null ? deliveryDelay : Number(delay);
  if (path === "/message") {
    const type = contentType.safeParse(headers.get("x-msg-fmt") ?? undefined);
    if (!type.success) throw new TroupeError("USAGE", "The message has an unknown content type");
    return [{ contentType: type.data, body, delaySeconds }];
  }
  const { messages } = batch.parse(JSON.parse(Buffer.from(body).toString("utf8")));
  return messages.map((message) => ({
    contentType: message.contentType,
    body: Buffer.from(message.body, "base64"),
    delaySeconds: message.delaySecs ?? delaySeconds,
  }));
}

/** @throws TroupeError USAGE naming the limit */
export function checkLimits(messages: readonly NewMessage[]): void {
  const refuse = (message: string): never => {
    throw new TroupeError("USAGE", message);
  };
  if (messages.length > BATCH_MESSAGES) {
    refuse(`batch message count of ${messages.length} exceeds limit of ${BATCH_MESSAGES}`);
  }
  let total = 0;
  for (const { body, delaySeconds = 0 } of messages) {
    total += body.byteLength;
    if (body.byteLength > MESSAGE_BYTES) {
      refuse(`message length of ${body.byteLength} bytes exceeds limit of ${MESSAGE_BYTES}`);
    }
    if (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > DELAY_SECONDS) {
      refuse(`message delay of ${delaySeconds} seconds is not a whole number from 0 to ${DELAY_SECONDS}`);
    }
  }
  if (total > BATCH_BYTES) refuse(`batch size of ${total} bytes exceeds limit of ${BATCH_BYTES}`);
}

/** The answer to `send` and `sendBatch`. */
export function sent(metrics: QueueMetrics): QueueResponse {
  return { status: 200, body: JSON.stringify({ metadata: { metrics } }) };
}

/** The binding throws an Error with this message. */
export function refused(error: unknown): QueueResponse {
  const usage = error instanceof TroupeError && error.code === "USAGE";
  const status = usage ? 413 : 500;
  const message = error instanceof Error ? error.message : String(error);
  const cause = message.replace(/[^\x20-\x7e]+/g, "?");
  return {
    status,
    headers: { "CF-Queues-Error-Code": String(status), "CF-Queues-Error-Cause": cause },
    body: message,
  };
}
