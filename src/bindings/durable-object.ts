/** A Durable Object class, of this service or of another one. */
import * as z from "zod";
import type { Binding, Environment } from "../model.ts";
import type { BindingKind, Reference } from "./kind.ts";
import { durableClasses, localClass } from "./migrations.ts";
import { bindingName, exportedName } from "./schema.ts";
import { bindUnavailableObjects } from "./unavailable.ts";

const entry = z.strictObject({
  name: bindingName,
  class_name: exportedName.describe("The exported class."),
  script_name: z.string().min(1).optional().describe("The service that exports the class. Left out: this one."),
  environment: z.string().min(1).optional().describe("The environment of that service."),
});

function reference(binding: Binding): Reference {
  const { class_name, script_name, environment } = binding.entry as z.infer<typeof entry>;
  return {
    exportName: class_name,
    role: "durable-object",
    ...(script_name !== undefined && { service: script_name }),
    ...(environment !== undefined && { environment }),
  };
}

/** Names of the Durable Object classes that an environment declares or binds, as they were when their data began. */
export function objectClasses(environment: Environment): string[] {
  const declared = durableClasses(environment);
  const bound = environment.bindings
    .filter(({ kind }) => kind === durableObject.id)
    .map((binding) => (binding.entry as z.infer<typeof entry>).class_name);
  return [...[...declared.values()].map(({ origin }) => origin), ...bound.filter((name) => !declared.has(name))];
}

export const durableObject: BindingKind = {
  id: "durable-object",
  title: "Durable Object",
  keys: [
    {
      path: ["durable_objects", "bindings"],
      form: "list",
      nameField: "name",
      entry,
      description: "Durable Object classes. Storage is SQLite unless `migrations` or `exports` say otherwise.",
    },
  ],
  settings: [
    {
      path: ["durable_objects", "code_update_strategy"],
      schema: z.strictObject({
        mode: z.enum(["immediate", "deferred"]).describe("How running objects get new code, on the network."),
        max_delay: z
          .number()
          .min(0)
          .max(86_400)
          .optional()
          .describe("Seconds to wait for them to hibernate. Default 300."),
      }),
      description: "How running Durable Objects get new code.",
    },
  ],
  state: "exclusive",

  validate(binding) {
    const { script_name, environment } = binding.entry as z.infer<typeof entry>;
    if (environment === undefined || script_name !== undefined) return [];
    const message = `Durable Object "${binding.name}" has an \`environment\` and no \`script_name\` that it belongs to.`;
    return [{ code: "missing-field", message, path: ["environment"] }];
  },

  references: (binding) => [reference(binding)],

  local(binding, context) {
    const { class_name } = binding.entry as z.infer<typeof entry>;
    const target = context.resolve(reference(binding));
    if (target.missing !== undefined) {
      bindUnavailableObjects(context, binding.name, target.missing);
      return;
    }
    const owner = target.worker === context.worker ? context.environment : target.environment;
    context.declareExport(class_name, localClass(owner, target.worker, class_name, target.objects), target.worker);
    context.bind(binding.name, { type: "durable-object", worker: target.worker, exportName: class_name });
  },

  upload(binding, context) {
    const { class_name, script_name } = binding.entry as z.infer<typeof entry>;
    return {
      name: binding.name,
      type: "durable_object_namespace",
      class_name,
      ...(script_name !== undefined && { script_name: context.scriptName(reference(binding)) }),
    };
  },

  type(binding, context) {
    const { class_name, script_name } = binding.entry as z.infer<typeof entry>;
    const imported = context.importType(reference(binding));
    if (imported !== undefined) return `DurableObjectNamespace<${imported}>`;
    return `DurableObjectNamespace /* ${class_name}${script_name === undefined ? "" : ` from ${script_name}`} */`;
  },

  describe(binding) {
    const { class_name, script_name, environment } = binding.entry as z.infer<typeof entry>;
    if (script_name === undefined) return class_name;
    return `${class_name} of ${script_name}${environment === undefined ? "" : `@${environment}`}`;
  },
};
