/** Sending email. Receiving it is the `email` handler, which needs no binding. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";
import { remote } from "./schema.ts";

const address = z.string().min(1);

const entry = z.strictObject({
  name: z.string().min(1).describe("The binding's name in `env`."),
  destination_address: address.optional().describe("The one verified address that can be sent to."),
  allowed_destination_addresses: z.array(address).optional().describe("The verified addresses that can be sent to."),
  allowed_sender_addresses: z.array(address).optional().describe("The addresses that can be sent from."),
  remote,
});

type Entry = z.infer<typeof entry>;

export const sendEmail: BindingKind = {
  id: "send-email",
  title: "Email",
  keys: [{ path: ["send_email"], form: "list", nameField: "name", entry, description: "Sends email." }],
  state: "none",

  validate(binding) {
    const { destination_address, allowed_destination_addresses } = binding.entry as Entry;
    if (destination_address === undefined || allowed_destination_addresses === undefined) return [];
    const message = `Email binding "${binding.name}" has both \`destination_address\` and \`allowed_destination_addresses\`.`;
    return [{ code: "exclusive-fields", message, notes: ["Keep one of them."], path: ["destination_address"] }];
  },

  local(binding, context) {
    const { destination_address, allowed_destination_addresses, allowed_sender_addresses } = binding.entry as Entry;
    context.bind(binding.name, {
      type: "send-email",
      ...(destination_address !== undefined && { destinationAddress: destination_address }),
      ...(allowed_destination_addresses && { allowedDestinationAddresses: allowed_destination_addresses }),
      ...(allowed_sender_addresses && { allowedSenderAddresses: allowed_sender_addresses }),
    });
  },

  upload(binding) {
    const { name, remote: _, ...addresses } = binding.entry as Entry;
    return { name, type: "send_email", ...addresses };
  },

  type: () => "SendEmail",

  describe(binding) {
    const { destination_address, allowed_destination_addresses } = binding.entry as Entry;
    const to = destination_address ?? allowed_destination_addresses?.join(", ");
    return to === undefined ? "to any address" : `to ${to}`;
  },
};
