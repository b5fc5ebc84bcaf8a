/** A log forwarding destination, for Workers of Cloudflare's own. */
import * as z from "zod";
import { networkOnly } from "./network-only.ts";

const entry = z.strictObject({
  name: z.string().min(1).describe("The binding's name in `env`."),
  destination: z.string().min(1).describe("Where the log goes."),
});

export const logfwdr = networkOnly({
  id: "logfwdr",
  title: "Log forwarder",
  what: "Log forwarding",
  key: {
    path: ["logfwdr", "bindings"],
    form: "list",
    nameField: "name",
    inheritable: true,
    entry,
    description: "Log forwarding destinations (Cloudflare's own use).",
  },
  upload: (binding) => ({ type: "logfwdr", destination: (binding.entry as z.infer<typeof entry>).destination }),
  type: "unknown",
  describe: (binding) => (binding.entry as z.infer<typeof entry>).destination,
});
