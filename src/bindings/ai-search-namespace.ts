/** A namespace of AI Search instances. */
import * as z from "zod";
import { networkOnly } from "./network-only.ts";
import { bindingName, remote, shared } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  namespace: z.string().min(1).describe("The namespace. It must exist when the service is deployed."),
  shared,
  remote,
});

export const aiSearchNamespace = networkOnly({
  id: "ai-search-namespace",
  title: "AI Search namespace",
  what: "AI Search",
  key: {
    path: ["ai_search_namespaces"],
    form: "list",
    nameField: "binding",
    entry,
    description: "Namespaces in which AI Search instances are made and found at run time.",
  },
  resource: { type: "ai-search-namespace", fields: ["namespace"] },
  upload: (binding, context) => ({ type: "ai_search_namespace", namespace: context.resourceId(binding) }),
  type: "AiSearchNamespace",
  describe: (binding) => (binding.entry as z.infer<typeof entry>).namespace,
});
