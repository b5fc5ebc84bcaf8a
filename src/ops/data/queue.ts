/** Queues: sending from outside. The broker lives in the process that runs the graph. */
import type { Verb } from "./verbs.ts";

interface Producer {
  sendBatch(messages: { body: unknown; contentType: string; delaySeconds?: number }[]): Promise<unknown>;
}

export const queueVerbs: Record<string, Verb> = {
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
