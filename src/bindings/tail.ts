/** What the two kinds of tail consumers have in common. */
import type * as z from "zod";
import type { Binding } from "../model.ts";
import type { BindingKind, Reference } from "./kind.ts";

interface TailKind {
  id: string;
  title: string;
  /** Config key, and the field of the upload metadata. */
  key: "tail_consumers" | "streaming_tail_consumers";
  entry: z.ZodType;
  description: string;
  streaming: boolean;
}

function reference(binding: Binding): Reference {
  const { service, environment } = binding.entry as { service: string; environment?: string };
  return { service, role: "tail", ...(environment !== undefined && { environment }) };
}

/** A list of services that get what this one logged: `tail_consumers` and its streaming form. */
export function tailKind({ id, title, key, entry, description, streaming }: TailKind): BindingKind {
  return {
    id,
    title,
    keys: [{ path: [key], form: "list", nameField: "service", inEnv: false, entry, description }],
    state: "none",
    references: (binding) => [reference(binding)],
    local(binding, context) {
      const target = context.resolve(reference(binding));
      // Nothing calls a tail, so nothing would say that it is missing; the start-up warning does.
      if (target.missing === undefined) context.addTail({ worker: target.worker, ...(streaming && { streaming }) });
    },
    upload: () => undefined,
    uploadMetadata: (binding, context) => ({ [key]: [{ service: context.scriptName(reference(binding)) }] }),
    type: () => undefined,
    describe(binding) {
      const { service, environment } = reference(binding);
      return `to ${service}${environment === undefined ? "" : `@${environment}`}`;
    },
  };
}
