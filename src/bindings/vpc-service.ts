/** A service in a private network, reached through Workers VPC. */
import * as z from "zod";
import { networkOnly } from "./network-only.ts";
import { bindingName, remote } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  service_id: z.string().min(1).describe("The VPC service's id."),
  remote,
});

export const vpcService = networkOnly({
  id: "vpc-service",
  title: "VPC service",
  what: "Workers VPC",
  key: {
    path: ["vpc_services"],
    form: "list",
    nameField: "binding",
    entry,
    description: "Services in private networks.",
  },
  upload: (binding) => ({ type: "vpc_service", service_id: (binding.entry as z.infer<typeof entry>).service_id }),
  type: "Fetcher",
  describe: (binding) => (binding.entry as z.infer<typeof entry>).service_id,
});
