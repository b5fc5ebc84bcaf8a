/** A private network, reached through Workers VPC. */
import * as z from "zod";
import { networkOnly } from "./network-only.ts";
import { bindingName, remote } from "./schema.ts";

const entry = z.union([
  z.strictObject({
    binding: bindingName,
    tunnel_id: z.string().min(1).describe("The Cloudflare Tunnel to go through."),
    remote,
  }),
  z.strictObject({
    binding: bindingName,
    network_id: z.string().min(1).describe("The network to go through."),
    remote,
  }),
]);

function through(raw: Record<string, unknown>): { tunnel_id: string } | { network_id: string } {
  const parsed = raw as z.infer<typeof entry>;
  return "tunnel_id" in parsed ? { tunnel_id: parsed.tunnel_id } : { network_id: parsed.network_id };
}

export const vpcNetwork = networkOnly({
  id: "vpc-network",
  title: "VPC network",
  what: "Workers VPC",
  key: { path: ["vpc_networks"], form: "list", nameField: "binding", entry, description: "Private networks." },
  upload: (binding) => ({ type: "vpc_network", ...through(binding.entry) }),
  type: "Fetcher",
  describe: (binding) => Object.values(through(binding.entry))[0]!,
});
