/** A value that only its name is written of: it comes from the store, or locally from `.dev.vars` and `.env`. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";

export const secret: BindingKind = {
  id: "secret",
  title: "Secret",
  keys: [
    {
      path: ["secrets", "required"],
      form: "names",
      entry: z.strictObject({}),
      description: "Names of secrets that the code needs. A missing one is a warning in `dev` and refuses a deploy.",
    },
  ],
  state: "none",

  local(binding, context) {
    const text = context.secret(binding.name);
    if (text !== undefined) {
      context.bind(binding.name, { type: "text", value: text });
      return;
    }
    const { service, name } = context.environment;
    context.warn({
      severity: "warning",
      code: "missing-secret",
      message: `Secret ${binding.name} of ${service}@${name} has no value: \`env.${binding.name}\` is undefined.`,
      notes: [`Write ${binding.name}="…" into .dev.vars beside the config file.`],
    });
  },

  upload(binding, context) {
    const text = context.secret(binding.name);
    // A secret that the network has and we can't read stays as it is.
    if (text === undefined) return { name: binding.name, type: "inherit" };
    return { name: binding.name, type: "secret_text", text };
  },

  type: () => "string",
  secret: true,
  processEnv: true,

  describe: () => "required",
};
