/** Workers AI. */
import * as z from "zod";
import { networkOnly } from "./network-only.ts";
import { bindingName, remote } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  staging: z.boolean().optional().describe("For Cloudflare's own use."),
  remote,
});

export const ai = networkOnly({
  id: "ai",
  title: "Workers AI",
  what: "Workers AI",
  key: {
    path: ["ai"],
    form: "single",
    nameField: "binding",
    entry,
    description: "Models that run on Cloudflare's network.",
  },
  upload(binding) {
    const { staging } = binding.entry as z.infer<typeof entry>;
    return { type: "ai", ...(staging !== undefined && { staging }) };
  },
  type: "Ai",
  describe: () => "Workers AI",
});
