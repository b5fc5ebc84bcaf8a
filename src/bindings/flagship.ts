/** Feature flags. The local simulator knows no flags of its own: code gets its default values. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";
import { bindingName, remote } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  app_id: z.string().min(1).optional().describe("The Flagship app."),
  remote,
});

type Entry = z.infer<typeof entry>;

export const flagship: BindingKind = {
  id: "flagship",
  title: "Flagship",
  keys: [{ path: ["flagship"], form: "list", nameField: "binding", entry, description: "Feature flags." }],
  state: "disk",
  local: (binding, context) =>
    context.bind(binding.name, { type: "flagship", id: (binding.entry as Entry).app_id ?? binding.name }),
  upload: (binding, context) => ({
    name: binding.name,
    type: "flagship",
    app_id: (binding.entry as Entry).app_id ?? context.resourceId(binding),
  }),
  type: () => "Flagship",
  describe: (binding) => (binding.entry as Entry).app_id ?? binding.name,
};
