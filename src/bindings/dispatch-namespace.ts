/** A namespace of user Workers (Workers for Platforms). */
import * as z from "zod";
import type { Binding } from "../model.ts";
import type { Reference } from "./kind.ts";
import { networkOnly } from "./network-only.ts";
import { bindingName, remote } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  namespace: z.string().min(1).optional().describe("The namespace."),
  outbound: z
    .strictObject({
      service: z.string().min(1).describe("The service that handles what user Workers request."),
      environment: z.string().min(1).optional().describe("The environment of that service."),
      parameters: z.array(z.string()).optional().describe("Names of values passed to it."),
    })
    .optional()
    .describe("A service between the user Workers and the outside."),
  remote,
});

type Entry = z.infer<typeof entry>;

function outboundReference(binding: Binding): Reference | undefined {
  const { outbound } = binding.entry as Entry;
  if (!outbound) return undefined;
  const { service, environment } = outbound;
  return { service, role: "service", ...(environment !== undefined && { environment }) };
}

export const dispatchNamespace = networkOnly({
  id: "dispatch-namespace",
  title: "Dispatch namespace",
  what: "A dispatch namespace",
  key: {
    path: ["dispatch_namespaces"],
    form: "list",
    nameField: "binding",
    entry,
    description: "Namespaces of user Workers.",
  },
  references: (binding) => [outboundReference(binding)].filter((reference) => reference !== undefined),
  upload(binding, context) {
    const { namespace, outbound } = binding.entry as Entry;
    const reference = outboundReference(binding);
    return {
      type: "dispatch_namespace",
      namespace: namespace ?? context.resourceId(binding),
      ...(reference && {
        outbound: {
          worker: { service: context.scriptName(reference) },
          ...(outbound?.parameters && { params: outbound.parameters.map((name) => ({ name })) }),
        },
      }),
    };
  },
  type: "DispatchNamespace",
  describe: (binding) => (binding.entry as Entry).namespace ?? "",
});
