/** A secret of the account's Secrets Store, read with `await env.NAME.get()`. */
import * as z from "zod";
import type { BindingKind, WorkerOptions } from "./kind.ts";
import { bindingName } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  store_id: z.string().min(1).describe("The store."),
  secret_name: z.string().min(1).describe("The secret's name in the store."),
});

type Entry = z.infer<typeof entry>;

const WORKER = "troupe:secrets-store";

/** Answers `get()` as the platform does: with the value, or by rejecting. The value arrives as the binding's props. */
const worker: WorkerOptions = {
  config: {
    name: WORKER,
    compatibilityDate: "2026-01-01",
    manifest: {
      mainModule: "index.js",
      modules: {
        "index.js": {
          type: "esm",
          contents: `
import { WorkerEntrypoint } from "cloudflare:workers";
export default class extends WorkerEntrypoint {
  get() {
    if (this.ctx.props.value === undefined) throw new Error(this.ctx.props.missing);
    return this.ctx.props.value;
  }
}`,
        },
      },
    },
  },
};

export const secretsStoreSecret: BindingKind = {
  id: "secrets-store-secret",
  title: "Secrets Store secret",
  keys: [
    {
      path: ["secrets_store_secrets"],
      form: "list",
      nameField: "binding",
      entry,
      description:
        "Secrets of the account's Secrets Store. Locally their values come from .dev.vars, under the binding's name.",
    },
  ],
  state: "none",

  local(binding, context) {
    const { secret_name } = binding.entry as Entry;
    const value = context.secret(binding.name);
    const missing = `Secret "${secret_name}" has no local value. Write ${binding.name}="…" into .dev.vars beside the config file.`;
    context.addWorker(worker);
    context.bind(binding.name, {
      type: "worker",
      worker: WORKER,
      props: value === undefined ? { missing } : { value },
    });
  },

  upload(binding) {
    const { store_id, secret_name } = binding.entry as Entry;
    return { name: binding.name, type: "secrets_store_secret", store_id, secret_name };
  },

  type: () => "SecretsStoreSecret",

  describe(binding) {
    const { store_id, secret_name } = binding.entry as Entry;
    return `${secret_name} of ${store_id}`;
  },
};
