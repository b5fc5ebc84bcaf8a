/** One AI Search instance. */
import * as z from "zod";
import { networkOnly } from "./network-only.ts";
import { bindingName, remote, shared } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  instance_name: z.string().min(1).describe("The instance. It must exist when the service is deployed."),
  shared,
  remote,
});

export const aiSearch = networkOnly({
  id: "ai-search",
  title: "AI Search instance",
  what: "AI Search",
  key: { path: ["ai_search"], form: "list", nameField: "binding", entry, description: "AI Search instances." },
  resource: { type: "ai-search", fields: ["instance_name"] },
  upload: (binding, context) => ({ type: "ai_search", instance_name: context.resourceId(binding) }),
  type: "AiSearchInstance",
  describe: (binding) => (binding.entry as z.infer<typeof entry>).instance_name,
});
