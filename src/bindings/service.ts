/** Another service: `fetch`, and RPC on its default export or a named entrypoint. */
import * as z from "zod";
import type { Binding } from "../model.ts";
import type { BindingKind, Reference } from "./kind.ts";
import { bindingName, exportedName, remote } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  service: z.string().min(1).describe("The service to bind."),
  environment: z
    .string()
    .min(1)
    .optional()
    .describe("The environment of that service. Left out: the same-named one if it has it, else production."),
  entrypoint: exportedName
    .optional()
    .describe("A named export (a WorkerEntrypoint class) instead of the default export."),
  props: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("What the service gets as `ctx.props` from this binding."),
  remote,
});

function reference(binding: Binding): Reference {
  const { service, environment, entrypoint } = binding.entry as z.infer<typeof entry>;
  return {
    service,
    role: entrypoint === undefined ? "service" : "entrypoint",
    ...(environment !== undefined && { environment }),
    ...(entrypoint !== undefined && { exportName: entrypoint }),
  };
}

export const service: BindingKind = {
  id: "service",
  title: "Service",
  keys: [
    { path: ["services"], form: "list", nameField: "binding", entry, description: "Services that this one can call." },
  ],
  state: "none",

  references: (binding) => [reference(binding)],

  local(binding, context) {
    const { entrypoint, props } = binding.entry as z.infer<typeof entry>;
    const target = context.resolve(reference(binding));
    context.bind(binding.name, {
      type: "worker",
      worker: target.worker,
      // The stand-in of a missing service has a default export only.
      ...(target.missing === undefined && entrypoint !== undefined && { exportName: entrypoint }),
      ...(target.missing === undefined && props !== undefined && { props }),
    });
  },

  upload(binding, context) {
    const { entrypoint, props } = binding.entry as z.infer<typeof entry>;
    return {
      name: binding.name,
      type: "service",
      service: context.scriptName(reference(binding)),
      ...(entrypoint !== undefined && { entrypoint }),
      ...(props !== undefined && { props }),
    };
  },

  type(binding, context) {
    const imported = context.importType(reference(binding));
    return imported === undefined ? "Fetcher" : `Service<typeof ${imported}>`;
  },

  describe(binding) {
    const { service: name, environment, entrypoint } = binding.entry as z.infer<typeof entry>;
    return `${name}${environment === undefined ? "" : `@${environment}`}${entrypoint === undefined ? "" : ` (${entrypoint})`}`;
  },
};
