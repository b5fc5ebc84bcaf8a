/** A rate limiter. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";

export const limits = z.strictObject({
  limit: z.number().positive().describe("Requests allowed in a period, per key."),
  period: z.union([z.literal(10), z.literal(60)]).describe("Seconds: 10 or 60."),
});

const entry = z.strictObject({
  name: z.string().min(1).describe("The binding's name in `env`."),
  namespace_id: z.string().min(1).describe("Limiters with one namespace id count together."),
  simple: limits,
});

type Entry = z.infer<typeof entry>;

export const ratelimit: BindingKind = {
  id: "ratelimit",
  title: "Rate limiter",
  keys: [{ path: ["ratelimits"], form: "list", nameField: "name", entry, description: "Rate limiters." }],
  // Counters outlive an idle simulator, on disk.
  state: "disk",
  local(binding, context) {
    const { namespace_id, simple } = binding.entry as Entry;
    context.bind(binding.name, { type: "rate-limit", namespace: namespace_id, simple });
  },
  upload(binding) {
    const { name, namespace_id, simple } = binding.entry as Entry;
    return { name, type: "ratelimit", namespace_id, simple };
  },
  type: () => "RateLimit",
  describe(binding) {
    const { simple } = binding.entry as Entry;
    return `${simple.limit} in ${simple.period} s`;
  },
};
