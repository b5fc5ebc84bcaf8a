/** An Artifacts namespace: git repositories. */
import * as z from "zod";
import { networkOnly } from "./network-only.ts";
import { bindingName, remote, shared } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  namespace: z.string().min(1).describe("The namespace."),
  shared,
  remote,
});

export const artifacts = networkOnly({
  id: "artifacts",
  title: "Artifacts namespace",
  what: "Artifacts",
  key: {
    path: ["artifacts"],
    form: "list",
    nameField: "binding",
    entry,
    description: "Namespaces of git repositories.",
  },
  resource: { type: "artifacts", fields: ["namespace"], byName: true },
  upload: (binding, context) => ({ type: "artifacts", namespace: context.resourceId(binding) }),
  type: "Artifacts",
  describe: (binding) => (binding.entry as z.infer<typeof entry>).namespace,
});
