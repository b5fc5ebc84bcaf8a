/** A KV namespace. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";
import { localResourceId, resourceNameFaults, resourceOf } from "./resource.ts";
import { bindingName, remote, shared } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  id: z
    .string()
    .min(1)
    .optional()
    .describe("The namespace. Left out: one of this service's own, named after the binding."),
  preview_id: z.string().min(1).optional().describe("The namespace that `wrangler dev` uses instead of `id`."),
  shared,
  remote,
});

const ID = /^[0-9a-f]{32}$/i;

export const kv: BindingKind = {
  id: "kv",
  title: "KV namespace",
  keys: [{ path: ["kv_namespaces"], form: "list", nameField: "binding", entry, description: "Key-value namespaces." }],
  state: "disk",
  resource: { type: "kv", fields: ["id"], previewField: "preview_id", idPattern: ID },

  validate: (binding, environment) => resourceNameFaults(binding, environment, { pattern: ID, form: "32 hex digits" }),

  local(binding, context) {
    context.bind(binding.name, { type: "kv", id: localResourceId(resourceOf(binding)) });
  },

  upload: (binding, context) => ({
    name: binding.name,
    type: "kv_namespace",
    namespace_id: context.resourceId(binding),
  }),

  type: () => "KVNamespace",

  describe: (binding) => resourceOf(binding).id,
};
