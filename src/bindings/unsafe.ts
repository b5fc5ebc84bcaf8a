/** Bindings that troupe knows nothing of: written into the upload metadata as they are. */
import * as z from "zod";
import type { Binding } from "../model.ts";
import type { BindingKind } from "./kind.ts";
import { limits } from "./ratelimit.ts";
import { bindUnavailable } from "./unavailable.ts";

const entry = z.looseObject({
  name: z.string().min(1).describe("The binding's name in `env`."),
  type: z.string().min(1).describe("The type, as the upload API calls it."),
  dev: z
    .strictObject({
      plugin: z.strictObject({
        package: z.string().min(1).describe("The package that exports Miniflare plugins."),
        name: z.string().min(1).describe("The plugin."),
      }),
      options: z.record(z.string(), z.unknown()).optional(),
    })
    .optional()
    .describe("A Miniflare plugin that simulates it locally."),
});

type Entry = z.infer<typeof entry>;

/** Rate limiters were unsafe bindings before they had a key of their own, and many configs still have them here. */
const rateLimiter = z.object({ namespace_id: z.string(), simple: limits });

function asRateLimiter(binding: Binding): z.infer<typeof rateLimiter> | undefined {
  if ((binding.entry as Entry).type !== "ratelimit") return undefined;
  return rateLimiter.safeParse(binding.entry).data;
}

const UNKNOWN = "An unsafe binding is known to Cloudflare's network only.";

export const unsafe: BindingKind = {
  id: "unsafe",
  title: "Unsafe binding",
  keys: [
    {
      path: ["unsafe", "bindings"],
      form: "list",
      nameField: "name",
      entry,
      description: "Bindings put into the upload metadata as they are written.",
    },
  ],
  settings: [
    {
      path: ["unsafe", "metadata"],
      schema: z.record(z.string(), z.unknown()),
      description: "Put into the upload metadata as it is written, last.",
    },
    {
      path: ["unsafe", "capnp"],
      schema: z.union([
        z.strictObject({ base_path: z.string(), source_schemas: z.array(z.string()) }),
        z.strictObject({ compiled_schema: z.string() }),
      ]),
      description: "Cap'n Proto schemas, for Cloudflare's own use.",
    },
  ],
  // A rate limiter's counters, or whatever a plugin keeps.
  state: "disk",

  local(binding, context) {
    const { name: _, type, dev, ...options } = binding.entry as Entry;
    const limiter = asRateLimiter(binding);
    if (dev) context.bind(binding.name, { type: `unsafe:${type}`, dev, ...options });
    else if (limiter)
      context.bind(binding.name, { type: "rate-limit", namespace: limiter.namespace_id, simple: limiter.simple });
    else bindUnavailable(context, binding.name, `env.${binding.name}: ${UNKNOWN} (Its type is "${type}".)`);
  },

  upload(binding) {
    const { dev: _, ...metadata } = binding.entry as Entry;
    return metadata;
  },

  type: () => "any",

  describe: (binding) => (binding.entry as Entry).type,

  notLocalFor: (binding) => ((binding.entry as Entry).dev || asRateLimiter(binding) ? undefined : UNKNOWN),
};
