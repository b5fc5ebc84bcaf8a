/** An Agent Memory namespace. */
import * as z from "zod";
import { networkOnly } from "./network-only.ts";
import { bindingName, remote, shared } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  namespace: z.string().min(1).describe("The namespace. It must exist when the service is deployed."),
  shared,
  remote,
});

export const agentMemory = networkOnly({
  id: "agent-memory",
  title: "Agent Memory namespace",
  what: "Agent Memory",
  key: { path: ["agent_memory"], form: "list", nameField: "binding", entry, description: "Agent Memory namespaces." },
  resource: { type: "agent-memory", fields: ["namespace"] },
  upload: (binding, context) => ({ type: "agent_memory", namespace: context.resourceId(binding) }),
  type: "AgentMemoryNamespace",
  describe: (binding) => (binding.entry as z.infer<typeof entry>).namespace,
});
