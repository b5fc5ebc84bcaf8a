/** Every kind of binding, listed once. Adding one: its file, and a line here (docs/ARCHITECTURE.md). */
import { TroupeError } from "../errors.ts";
import type { Binding } from "../model.ts";
import { durableObject } from "./durable-object.ts";
import type { BindingConfigKey, BindingKind } from "./kind.ts";
import { kv } from "./kv.ts";
import { secret } from "./secret.ts";
import { service } from "./service.ts";
import { variable } from "./var.ts";

/** In the order in which `bindings` shows them. */
export const BINDING_KINDS: readonly BindingKind[] = [service, variable, secret, kv, durableObject];

const byId = new Map(BINDING_KINDS.map((kind) => [kind.id, kind]));

/** @returns the kind with this id, as used in `--json` output and on the command line */
export function kindById(id: string): BindingKind | undefined {
  return byId.get(id);
}

/**
 * @returns the kind of a binding of the resolved model
 * @throws TroupeError INTERNAL when there is no such kind
 */
export function kindOf(binding: Binding): BindingKind {
  const kind = byId.get(binding.kind);
  if (!kind) throw new TroupeError("INTERNAL", `binding ${binding.name} has the unknown kind "${binding.kind}"`);
  return kind;
}

/** @returns what cannot work locally about a binding, for people; undefined when it works */
export function notLocal(binding: Binding): string | undefined {
  const kind = kindOf(binding);
  return kind.notLocal ?? kind.notLocalFor?.(binding);
}

/** Every place in a config file where bindings stand, with the kind that owns it. */
export const BINDING_KEYS: readonly { kind: BindingKind; key: BindingConfigKey }[] = BINDING_KINDS.flatMap((kind) =>
  kind.keys.map((key) => ({ kind, key })),
);

/** Top-level config keys that hold bindings: "vars", "durable_objects", "queues"… */
export const BINDING_TOP_LEVEL_KEYS: ReadonlySet<string> = new Set(BINDING_KEYS.map(({ key }) => key.path[0]!));
