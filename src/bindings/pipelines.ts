/** Sending records to a pipeline's stream. The local simulator accepts and drops them. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";
import { localResourceId, resourceOf } from "./resource.ts";
import { bindingName, remote, shared } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  stream: z.string().min(1).optional().describe("The stream's id."),
  pipeline: z.string().min(1).optional().describe("Deprecated: write `stream`."),
  shared,
  remote,
});

type Entry = z.infer<typeof entry>;

export const pipelines: BindingKind = {
  id: "pipelines",
  title: "Pipeline",
  keys: [
    { path: ["pipelines"], form: "list", nameField: "binding", entry, description: "Streams to send records to." },
  ],
  state: "none",
  resource: { type: "pipelines", fields: ["stream", "pipeline"] },

  validate(binding) {
    const { stream, pipeline } = binding.entry as Entry;
    if (stream !== undefined || pipeline !== undefined) return [];
    return [{ code: "missing-field", message: `Pipeline "${binding.name}" names no \`stream\`.` }];
  },

  local(binding, context) {
    context.bind(binding.name, { type: "pipeline", streamId: localResourceId(resourceOf(binding)) });
  },

  upload(binding, context) {
    const field = (binding.entry as Entry).stream === undefined ? "pipeline" : "stream";
    return { name: binding.name, type: "pipelines", [field]: context.resourceId(binding) };
  },

  type: () => 'import("cloudflare:pipelines").Pipeline<import("cloudflare:pipelines").PipelineRecord>',

  describe: (binding) => resourceOf(binding).id,
};
