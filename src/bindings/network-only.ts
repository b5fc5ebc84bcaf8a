/** What the kinds have in common that run on Cloudflare's network and nowhere else. */
import type { Binding } from "../model.ts";
import type { BindingConfigKey, BindingKind, ResourceNaming } from "./kind.ts";
import { bindUnavailable } from "./unavailable.ts";

interface NetworkOnly {
  id: string;
  title: string;
  /** The subject of the message: "Workers AI". */
  what: string;
  key: BindingConfigKey;
  resource?: ResourceNaming;
  references?: BindingKind["references"];
  /** The fields of the upload metadata besides `name`, with its `type`. */
  upload: NonNullable<BindingKind["upload"]>;
  type: string;
  describe(binding: Binding): string;
}

/** @returns a kind whose binding is there locally and rejects, with a message, whatever is done with it */
export function networkOnly({ what, key, upload, type, describe, ...rest }: NetworkOnly): BindingKind {
  const notLocal = `${what} runs on Cloudflare's network only.`;
  return {
    ...rest,
    keys: [key],
    state: "none",
    notLocal,
    local(binding, context) {
      const { service, name } = context.environment;
      bindUnavailable(
        context,
        binding.name,
        `env.${binding.name} of ${service}@${name}: ${notLocal} It cannot be used here; deploy to use it.`,
      );
    },
    upload: (binding, context) => ({ name: binding.name, ...upload(binding, context) }),
    type: () => type,
    describe: (binding) => binding.resource?.id ?? describe(binding),
  };
}
