/** Queues: sending from outside, and seeing what waits. Messages lie in a file of the data folder. */
import path from "node:path";
import { deserialize } from "node:v8";
import { TroupeError } from "../../errors.ts";
import type { Broker, WaitingMessage } from "../../host/broker/index.ts";
import type { Verb } from "./verbs.ts";

/** One queue of a broker: what the verbs work on. */
export interface OpenQueue {
  broker: Pick<Broker, "send" | "peek" | "metrics">;
  /** Its local id. */
  queue: string;
}

/** A message as people and programs see it. */
export interface ShownMessage {
  id: string;
  contentType: string;
  /** Text, a JSON value, or base64 where `encoding` says so. */
  body: unknown;
  encoding?: "base64";
  /** Deliveries so far, counting the one under way. */
  attempts: number;
  sentAt: string;
  /** When it is not delivered before: delayed, or to be tried again. */
  delayedUntil?: string;
  /** Its consumer has it right now. */
  delivering?: boolean;
}

export const queueVerbs: Record<string, Verb> = {
  async peek(target, args) {
    const { broker, queue } = target as OpenQueue;
    const { backlogCount, backlogBytes, oldestMessageTimestamp } = broker.metrics(queue);
    const messages = broker.peek(queue, Number(args.limit ?? 10)).map(shown);
    const oldest = oldestMessageTimestamp > 0 && { oldest: new Date(oldestMessageTimestamp).toISOString() };
    return { value: { waiting: backlogCount, bytes: backlogBytes, ...oldest, messages } };
  },

  async send(target, args) {
    const { broker, queue } = target as OpenQueue;
    const { messages, json, delay } = args as { messages: string[]; json?: boolean; delay?: number };
    await broker.send(
      queue,
      messages.map((message) => ({
        body: Buffer.from(json ? asJson(message) : message),
        contentType: json ? "json" : "text",
        ...(delay !== undefined && { delaySeconds: delay }),
      })),
    );
    return { value: { sent: messages.length } };
  },
};

/** A queue of a data folder that nobody else holds. Nothing is delivered. @throws TroupeError STORE */
export async function openQueue(folder: string, queue: string): Promise<OpenQueue & { close(): Promise<void> }> {
  const { createBroker, QUEUES_FILE } = await import("../../host/broker/index.ts");
  const broker = createBroker({
    file: path.join(folder, QUEUES_FILE),
    deliver: () => Promise.reject(new TroupeError("INTERNAL", "nobody receives here")),
  });
  return { broker, queue, close: () => broker.close() };
}

/** @throws TroupeError USAGE */
function asJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (cause) {
    throw new TroupeError("USAGE", `This message is no JSON: ${text.slice(0, 80)}`, { cause });
  }
}

function shown({ id, contentType, body, attempts, timestamp, availableAt, delivering }: WaitingMessage): ShownMessage {
  return {
    id,
    contentType,
    ...shownBody(contentType, Buffer.from(body)),
    attempts,
    sentAt: new Date(timestamp).toISOString(),
    ...(availableAt > Date.now() && { delayedUntil: new Date(availableAt).toISOString() }),
    ...(delivering && { delivering }),
  };
}

function shownBody(contentType: WaitingMessage["contentType"], body: Buffer): Pick<ShownMessage, "body" | "encoding"> {
  if (contentType === "text") return { body: body.toString("utf8") };
  if (contentType === "json") return { body: JSON.parse(body.toString("utf8")) };
  const base64 = { body: body.toString("base64"), encoding: "base64" as const };
  if (contentType === "bytes") return base64;
  try {
    const value = deserialize(body);
    // A Map or the like would read as an empty object.
    return JSON.stringify(value) === undefined || !isPlain(value) ? base64 : { body: value };
  } catch {
    return base64;
  }
}

/** Whether JSON shows all that is in it. */
function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (value instanceof Date) return true;
  if (Array.isArray(value)) return value.every(isPlain);
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPlain);
}
