/** The platform's own example of a binding. */
import * as z from "zod";
import type { BindingKind } from "./kind.ts";
import { bindingName } from "./schema.ts";

const entry = z.strictObject({
  binding: bindingName,
  enable_timer: z.boolean().optional().describe("Whether its timer runs."),
});

export const helloWorld: BindingKind = {
  id: "hello-world",
  title: "Hello World",
  keys: [
    {
      path: ["unsafe_hello_world"],
      form: "list",
      nameField: "binding",
      entry,
      description: "The platform's own example of a binding. Of no use.",
    },
  ],
  state: "disk",
  local(binding, context) {
    const { enable_timer } = binding.entry as z.infer<typeof entry>;
    context.bind(binding.name, { type: "hello-world", ...(enable_timer !== undefined && { enable_timer }) });
  },
  upload(binding) {
    const { enable_timer } = binding.entry as z.infer<typeof entry>;
    return { name: binding.name, type: "unsafe_hello_world", ...(enable_timer !== undefined && { enable_timer }) };
  },
  type: () => "HelloWorldBinding",
  describe: () => "example",
};
