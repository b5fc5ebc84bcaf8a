/** A value written in the config: a string, or any JSON. */
import * as z from "zod";
import type { Binding } from "../model.ts";
import type { BindingKind } from "./kind.ts";
import { describeJson, jsonType, tooLarge } from "./value.ts";

type Json = z.infer<ReturnType<typeof z.json>>;

const value = (binding: Binding): Json => (binding.entry as { value: Json }).value;

export const variable: BindingKind = {
  id: "var",
  title: "Variable",
  keys: [
    {
      path: ["vars"],
      form: "record",
      entry: z.json().describe("A string, or any JSON value."),
      description:
        "Plain values the code reads from `env`. They are not secret: use `secrets` for what nobody should read.",
    },
  ],
  state: "none",

  validate(binding) {
    const json = value(binding);
    return tooLarge(`Variable "${binding.name}"`, typeof json === "string" ? json : JSON.stringify(json));
  },

  local(binding, context) {
    const json = value(binding);
    context.bind(
      binding.name,
      typeof json === "string" ? { type: "text", value: json } : { type: "json", value: json },
    );
  },

  upload(binding) {
    const json = value(binding);
    if (typeof json === "string") return { name: binding.name, type: "plain_text", text: json };
    return { name: binding.name, type: "json", json };
  },

  type: (binding, { strictVars }) => jsonType(value(binding), strictVars),
  processEnv: true,

  describe: (binding) => describeJson(value(binding)),
};
