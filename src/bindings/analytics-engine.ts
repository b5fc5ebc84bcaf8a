/** Writing to an Analytics Engine dataset. Reading it is analytics-sql.ts. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";
import { resourceOf } from "./resource.ts";
import { bindingName, remote, shared } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  dataset: z
    .string()
    .min(1)
    .optional()
    .describe("The dataset. Left out: one of this service's own, named after the binding."),
  shared,
  remote,
});

export const analyticsEngine: BindingKind = {
  id: "analytics-engine",
  title: "Analytics Engine dataset",
  keys: [
    {
      path: ["analytics_engine_datasets"],
      form: "list",
      nameField: "binding",
      entry,
      description: "Datasets to write data points to.",
    },
  ],
  state: "none",
  resource: { type: "analytics-engine", fields: ["dataset"], byName: true },
  local: (binding, context) =>
    context.bind(binding.name, { type: "analytics-engine-dataset", name: resourceOf(binding).id }),
  upload(binding, context) {
    // In a Wrangler file a dataset without a name is the platform's to name.
    const named =
      (binding.entry as z.infer<typeof entry>).dataset !== undefined || context.environment.dialect === "troupe";
    return { name: binding.name, type: "analytics_engine", ...(named && { dataset: context.resourceId(binding) }) };
  },
  type: () => "AnalyticsEngineDataset",
  describe: (binding) => resourceOf(binding).id,
};
