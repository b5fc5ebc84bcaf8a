/** Which version runs: `{ id, tag, timestamp }`. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";
import { bindingName } from "./schema.ts";

/** What code sees in `dev`, where it has no version yet. */
const UNVERSIONED = { id: "dev", tag: "", timestamp: new Date(0).toISOString() };

export const versionMetadata: BindingKind = {
  id: "version-metadata",
  title: "Version metadata",
  keys: [
    {
      path: ["version_metadata"],
      form: "single",
      nameField: "binding",
      entry: z.strictObject({ binding: bindingName }),
      description: "Id, tag and time of the running version.",
    },
  ],
  state: "none",
  local: (binding, context) =>
    context.bind(binding.name, { type: "json", value: { ...(context.version ?? UNVERSIONED) } }),
  upload: (binding) => ({ name: binding.name, type: "version_metadata" }),
  type: () => "WorkerVersionMetadata",
  describe: () => "id, tag and time of the version",
};
