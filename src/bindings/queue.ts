/** Sending to a queue. The receiving end is queue-consumer.ts. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";
import { queueBinding, queueWorker } from "./queue-service.ts";
import { localResourceId, resourceNameFaults, resourceOf } from "./resource.ts";
import { bindingName, delaySeconds, remote, shared } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  queue: z
    .string()
    .min(1)
    .optional()
    .describe("The queue. Left out: one of this service's own, named after the binding."),
  delivery_delay: delaySeconds.optional().describe("Seconds to wait before a message is delivered."),
  shared,
  remote,
});

export const queue: BindingKind = {
  id: "queue",
  title: "Queue",
  keys: [
    {
      path: ["queues", "producers"],
      form: "list",
      nameField: "binding",
      entry,
      description: "Queues this service sends to.",
    },
  ],
  // Messages are kept outside of the process, or in its memory.
  state: "none",
  resource: { type: "queue", fields: ["queue"] },

  validate: (binding, environment) => resourceNameFaults(binding, environment),

  local(binding, context) {
    const { delivery_delay } = binding.entry as z.infer<typeof entry>;
    const queue = localResourceId(resourceOf(binding));
    if (context.queues) {
      context.addWorker(queueWorker(context.queues));
      context.bind(
        binding.name,
        queueBinding({ queue, ...(delivery_delay !== undefined && { deliveryDelay: delivery_delay }) }),
      );
      return;
    }
    context.bind(binding.name, {
      type: "queue",
      name: queue,
      ...(delivery_delay !== undefined && { deliveryDelay: delivery_delay }),
    });
  },

  upload(binding, context) {
    const { delivery_delay } = binding.entry as z.infer<typeof entry>;
    return {
      name: binding.name,
      type: "queue",
      queue_name: context.resourceId(binding),
      ...(delivery_delay !== undefined && { delivery_delay }),
    };
  },

  type: () => "Queue",

  describe: (binding) => resourceOf(binding).id,
};
