/** What the kinds have in common that have a name and nothing else, and are simulated locally. */
import * as z from "zod";
import type { BindingKind, MiniflareBindingInput, StateClass } from "./kind.ts";
import { bindingName, remote } from "./schema.ts";

interface SimpleKind {
  id: string;
  title: string;
  key: string;
  description: string;
  state: StateClass;
  local: MiniflareBindingInput;
  uploadType: string;
  /** TypeScript. */
  type: string;
}

/** A kind of one table that has nothing but its name in `env` (`[images] binding = "IMAGES"`). */
export function simpleKind({ id, title, key, description, state, local, uploadType, type }: SimpleKind): BindingKind {
  const entry = z.strictObject({ binding: bindingName, remote });
  return {
    id,
    title,
    keys: [{ path: [key], form: "single", nameField: "binding", entry, description }],
    state,
    local: (binding, context) => context.bind(binding.name, local),
    upload: (binding) => ({ name: binding.name, type: uploadType }),
    type: () => type,
    describe: () => title,
  };
}
