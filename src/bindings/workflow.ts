/** A Workflow: a class whose `run` goes on, step by step, through restarts. Of this service or of another one. */
import * as z from "zod";
import type { Binding, Environment } from "../model.ts";
import type { BindingKind, Reference } from "./kind.ts";
import { localResourceId } from "./resource.ts";
import { bindingName, exportedName } from "./schema.ts";
import { bindUnavailable } from "./unavailable.ts";

const retention = z.union([z.number(), z.string()]);

const entry = z.strictObject({
  binding: bindingName,
  name: z
    .string()
    .regex(
      /^[a-zA-Z0-9_][a-zA-Z0-9-_]{0,63}$/,
      "must have 1 to 64 letters, digits, underscores and hyphens, and not begin with a hyphen",
    )
    .describe("The Workflow's name."),
  class_name: exportedName.describe("The exported class."),
  script_name: z.string().min(1).optional().describe("The service that exports the class. Left out: this one."),
  environment: z.string().min(1).optional().describe("The environment of that service (troupe only)."),
  limits: z.strictObject({ steps: z.int().min(1).optional().describe("Steps an instance can take.") }).optional(),
  concurrency: z
    .strictObject({ limit: z.int().min(1).optional().describe("Instances at a time, on the network.") })
    .optional(),
  schedules: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe("Cron expressions that start instances, on the network."),
  default_retention: z
    .strictObject({ success_retention: retention.optional(), error_retention: retention.optional() })
    .optional()
    .describe("How long finished instances are kept, on the network."),
  jurisdiction: z
    .enum(["eu", "fedramp", "us"])
    .optional()
    .describe("Where instances run and keep their data, on the network."),
});

type Entry = z.infer<typeof entry>;

function reference(binding: Binding): Reference {
  const { class_name, script_name, environment } = binding.entry as Entry;
  return {
    exportName: class_name,
    role: "workflow",
    ...(script_name !== undefined && { service: script_name }),
    ...(environment !== undefined && { environment }),
  };
}

/** The binding that makes the Workflow, in the service that has the class; its instances belong to that environment. */
function owning(binding: Binding, owner: Environment | undefined): Binding {
  const { name, class_name, script_name } = binding.entry as Entry;
  if (script_name === undefined) return binding;
  const candidates = (owner?.bindings ?? []).filter((other) => {
    const candidate = other.entry as Entry;
    return other.kind === "workflow" && candidate.script_name === undefined && candidate.class_name === class_name;
  });
  return candidates.find((other) => (other.entry as Entry).name === name) ?? candidates[0] ?? binding;
}

/** Local ids of the Workflows that an environment binds. */
export function workflowIds(environment: Environment): string[] {
  return environment.bindings
    .filter(({ kind }) => kind === workflow.id)
    .map(({ entry: raw, resource }) => {
      const { name } = raw as Entry;
      return localResourceId(resource ?? { type: "workflow", id: name, name });
    });
}

export const workflow: BindingKind = {
  id: "workflow",
  title: "Workflow",
  keys: [
    {
      path: ["workflows"],
      form: "list",
      nameField: "binding",
      entry,
      description: "Workflows this service can start.",
    },
  ],
  state: "exclusive",
  resource: { type: "workflow", fields: ["name"], byName: true, applies: (raw) => raw.script_name === undefined },

  references: (binding) => [reference(binding)],

  claims({ entry: raw, resource }) {
    if ((raw as Entry).script_name !== undefined || !resource) return undefined;
    return { id: `workflow:${resource.id}`, what: `have the Workflow "${resource.id}"` };
  },

  local(binding, context) {
    const { name, class_name, limits } = binding.entry as Entry;
    const target = context.resolve(reference(binding));
    if (target.missing !== undefined) {
      bindUnavailable(context, binding.name, target.missing);
      return;
    }
    const { resource } = owning(binding, target.environment);
    context.bind(binding.name, {
      type: "workflow",
      name: localResourceId(resource ?? { type: "workflow", id: name, name }),
      worker: target.worker,
      exportName: class_name,
      ...(limits?.steps !== undefined && { unsafeConfig: { limits: { steps: limits.steps } } }),
    });
  },

  upload(binding, context) {
    const { name, class_name, script_name } = binding.entry as Entry;
    const owner = owning(binding, script_name === undefined ? undefined : context.environmentOf(reference(binding)));
    return {
      name: binding.name,
      type: "workflow",
      workflow_name: owner.resource ? context.resourceId(owner) : name,
      class_name,
      ...(script_name !== undefined && { script_name: context.scriptName(reference(binding)) }),
    };
  },

  type(binding, context) {
    const imported = context.importType(reference(binding));
    return imported === undefined ? "Workflow" : `Workflow<Parameters<${imported}["run"]>[0]["payload"]>`;
  },

  describe(binding) {
    const { name, class_name, script_name } = binding.entry as Entry;
    return `${binding.resource?.id ?? name} (${class_name}${script_name === undefined ? "" : ` of ${script_name}`})`;
  },
};
