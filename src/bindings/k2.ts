/** Sending to a K2 stream. */
import * as z from "zod";
import { networkOnly } from "./network-only.ts";
import { bindingName, remote, shared } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  stream: z.string().min(1).describe("The stream's id."),
  shared,
  remote,
});

export const k2 = networkOnly({
  id: "k2",
  title: "K2 stream",
  what: "K2",
  key: { path: ["k2"], form: "list", nameField: "binding", entry, description: "K2 streams this service sends to." },
  resource: { type: "k2", fields: ["stream"] },
  upload: (binding, context) => ({ type: "k2", stream: context.resourceId(binding) }),
  // Wrangler's generated types leave it open, too.
  type: "unknown",
  describe: (binding) => (binding.entry as z.infer<typeof entry>).stream,
});
