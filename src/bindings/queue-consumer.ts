/** Receiving from a queue: the service's `queue` handler gets its messages in batches. */
import * as z from "zod";
import type { Binding, Environment, Resource } from "../model.ts";
import type { BindingKind } from "./kind.ts";
import { localResourceId, resourceNameFaults, resourceOf } from "./resource.ts";
import { delaySeconds, shared } from "./schema.ts";

/** Limits: https://developers.cloudflare.com/queues/platform/limits/ */
const entry = z.strictObject({
  queue: z.string().min(1).describe("The queue to receive from. It can have one consumer."),
  type: z.literal("worker").optional().describe('Only "worker" consumers are configured here.'),
  max_batch_size: z.int().min(1).max(100).optional().describe("Messages per batch, at most. Default 10."),
  max_batch_timeout: z.number().min(0).max(60).optional().describe("Seconds to wait for a batch to fill. Default 5."),
  max_retries: z.int().min(0).max(100).optional().describe("Retries per message. Default 3."),
  dead_letter_queue: z.string().min(1).optional().describe("The queue for messages that used up their retries."),
  max_concurrency: z
    .int()
    .min(1)
    .max(250)
    .nullish()
    .describe("Batches at a time, on the network. Default: as many as needed."),
  visibility_timeout_ms: z.int().min(0).max(43_200_000).optional().describe("For pull consumers."),
  retry_delay: delaySeconds.optional().describe("Seconds to wait before a message is delivered again."),
  shared,
});

/** The dead-letter queue that belongs to this queue's edition: an environment of its own has both of its own. */
export function deadLetterQueue(binding: Binding): Resource | undefined {
  const name = (binding.entry as z.infer<typeof entry>).dead_letter_queue;
  if (name === undefined) return undefined;
  const { edition } = resourceOf(binding);
  return edition === undefined
    ? { type: "queue", id: name, name }
    : { type: "queue", id: `${name}@${edition}`, name, edition };
}

/** How a consumer wants its messages. Delays are seconds. */
export interface ConsumerSettings {
  /** Local id of the queue. */
  queue: string;
  maxBatchSize: number;
  /** Seconds that a batch waits to be full. */
  maxBatchTimeout: number;
  maxRetries: number;
  retryDelay: number;
  /** Local id of the queue for messages that used up their retries; without it they are dropped. */
  deadLetterQueue?: string;
}

/** What an environment receives from. Defaults: https://developers.cloudflare.com/queues/configuration/configure-queues/ */
export function consumersOf(environment: Environment): ConsumerSettings[] {
  return environment.bindings
    .filter(({ kind }) => kind === queueConsumer.id)
    .map((binding) => {
      const settings = binding.entry as z.infer<typeof entry>;
      const dead = deadLetterQueue(binding);
      return {
        queue: localResourceId(resourceOf(binding)),
        maxBatchSize: settings.max_batch_size ?? 10,
        maxBatchTimeout: settings.max_batch_timeout ?? 5,
        maxRetries: settings.max_retries ?? 3,
        retryDelay: settings.retry_delay ?? 0,
        ...(dead && { deadLetterQueue: localResourceId(dead) }),
      };
    });
}

export const queueConsumer: BindingKind = {
  id: "queue-consumer",
  title: "Queue consumer",
  keys: [
    {
      path: ["queues", "consumers"],
      form: "list",
      nameField: "queue",
      inEnv: false,
      entry,
      description: "Queues whose messages this service receives in its `queue` handler.",
    },
  ],
  state: "none",
  resource: { type: "queue", fields: ["queue"] },

  validate: (binding, environment) => resourceNameFaults(binding, environment),

  claims: (binding) => ({
    id: `queue:${resourceOf(binding).id}`,
    what: `receive from queue "${resourceOf(binding).id}"`,
  }),

  local(binding, context) {
    const settings = binding.entry as z.infer<typeof entry>;
    const dead = deadLetterQueue(binding);
    context.addTrigger({
      type: "queue",
      name: localResourceId(resourceOf(binding)),
      ...(settings.max_batch_size !== undefined && { maxBatchSize: settings.max_batch_size }),
      ...(settings.max_batch_timeout !== undefined && { maxBatchTimeout: settings.max_batch_timeout }),
      ...(settings.max_retries !== undefined && { maxRetries: settings.max_retries }),
      ...(settings.retry_delay !== undefined && { retryDelay: settings.retry_delay }),
      ...(dead && { deadLetterQueue: localResourceId(dead) }),
    });
  },

  // Consumers are no part of a script: the target sets them through the queues' own API.
  upload: () => undefined,

  type: () => undefined,

  describe(binding) {
    const dead = deadLetterQueue(binding);
    return `receives ${resourceOf(binding).id}${dead ? `, dead letters to ${dead.id}` : ""}`;
  },
};
