/** A Vectorize index. */
import * as z from "zod";
import { networkOnly } from "./network-only.ts";
import { bindingName, remote, shared } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  index_name: z.string().min(1).describe("The index. It must exist when the service is deployed."),
  shared,
  remote,
});

export const vectorize = networkOnly({
  id: "vectorize",
  title: "Vectorize index",
  what: "Vectorize",
  key: { path: ["vectorize"], form: "list", nameField: "binding", entry, description: "Vector indexes." },
  resource: { type: "vectorize", fields: ["index_name"] },
  upload: (binding, context) => ({ type: "vectorize", index_name: context.resourceId(binding) }),
  type: "VectorizeIndex",
  describe: (binding) => (binding.entry as z.infer<typeof entry>).index_name,
});
