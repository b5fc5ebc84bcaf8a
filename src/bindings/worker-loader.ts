/** Starting Workers from code at run time. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";
import { bindingName } from "./schema.ts";

export const workerLoader: BindingKind = {
  id: "worker-loader",
  title: "Worker Loader",
  keys: [
    {
      path: ["worker_loaders"],
      form: "list",
      nameField: "binding",
      entry: z.strictObject({ binding: bindingName }),
      description: "Starts Workers from code at run time.",
    },
  ],
  state: "none",
  local: (binding, context) => context.bind(binding.name, { type: "worker-loader" }),
  upload: (binding) => ({ name: binding.name, type: "worker_loader" }),
  type: () => "WorkerLoader",
  describe: () => "starts Workers at run time",
};
