/** Queues: sending from outside. The broker lives in the process that runs the graph. */
import type { Verb } from "./verbs.ts";

interface Producer {
  /** https://developers.cloudflare.com/queues/configuration/javascript-apis/ */
  metrics(): Promise<{ backlogCount: number; backlogBytes: number; oldestMessageTimestamp?: Date | number }>;
  sendBatch(messages: { body: unknown; contentType: string; delaySeconds?: number }[]): Promise<unknown>;
}

export const queueVerbs: Record<string, Verb> = {
  /** How much waits. The broker hands messages out to consumers only, so what they say can't be told. */
  async peek(binding) {
    const { backlogCount, backlogBytes, oldestMessageTimestamp } = await (binding as Producer).metrics();
    const oldest = oldestMessageTimestamp ? new Date(oldestMessageTimestamp) : undefined;
    return { value: { waiting: backlogCount, bytes: backlogBytes, ...(oldest && { oldest: oldest.toISOString() }) } };
  },

  async send(binding, args) {
    const { messages, json, delay } = args as { messages: string[]; json?: boolean; delay?: number };
    await (binding as Producer).sendBatch(
      messages.map((message) => ({
        body: json ? JSON.parse(message) : message,
        contentType: json ? "json" : "text",
        ...(delay !== undefined && { delaySeconds: delay }),
      })),
    );
    return { value: { sent: messages.length } };
  },
};
