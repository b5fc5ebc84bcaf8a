/** Settings of Cloudchamber, the predecessor of containers. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";

const entry = z.strictObject({
  image: z.string().optional(),
  location: z.string().optional(),
  instance_type: z
    .enum(["dev", "basic", "standard", "lite", "standard-1", "standard-2", "standard-3", "standard-4"])
    .optional(),
  vcpu: z.number().optional(),
  memory: z.string().optional(),
  ipv4: z.boolean().optional(),
});

export const cloudchamber: BindingKind = {
  id: "cloudchamber",
  title: "Cloudchamber",
  keys: [{ path: ["cloudchamber"], form: "single", inEnv: false, entry, description: "Settings of Cloudchamber." }],
  state: "none",
  notLocal: "Cloudchamber runs on Cloudflare's network only.",
  // Nothing in the code refers to it.
  local: () => undefined,
  upload: () => undefined,
  type: () => undefined,
  describe: (binding) => (binding.entry as z.infer<typeof entry>).image ?? "settings",
};
