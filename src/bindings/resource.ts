/** How a resource of the model is named in the local runtime. */
import { TroupeError } from "../errors.ts";
import type { Binding, Environment, Resource } from "../model.ts";

/**
 * The resource of a stateful binding.
 * @throws TroupeError INTERNAL when the config loader gave it none
 */
export function resourceOf(binding: Binding): Resource {
  if (!binding.resource) throw new TroupeError("INTERNAL", `binding ${binding.name} (${binding.kind}) has no resource`);
  return binding.resource;
}

/**
 * A resource's id as one file name and one URL segment, for Miniflare, which makes folders of ids: every character but
 * letters, digits, `.`, `_`, `-` and `@` is written as `~` and its code point in hex, so that no two ids become one.
 */
export function localResourceId(resource: Resource): string {
  return resource.id.replace(/[^A-Za-z0-9._@-]|^\.+/gu, (text) =>
    [...text].map((char) => `~${char.codePointAt(0)!.toString(16)}`).join(""),
  );
}

/** Long, and of hex digits only: meant as one of the network's ids. */
const LOOKS_LIKE_ID = /^[0-9a-f-]{20,}$/i;

/**
 * Faults of the name a resource was given: `@` is what sets an edition apart, and an id with a digit too few would quietly
 * be another resource. (Wrangler lets the latter pass, so in its files it does.)
 */
export function resourceNameFaults(
  binding: Binding,
  environment: Environment,
  ids?: { pattern: RegExp; form: string },
): { code: string; message: string; notes: string[] }[] {
  const name = binding.resource?.name ?? "";
  if (name.includes("@")) {
    const message = `The name "${name}" has an "@", which sets environments' own editions apart.`;
    return [{ code: "malformed-id", message, notes: ["Use another character."] }];
  }
  if (!ids || environment.dialect !== "troupe" || !LOOKS_LIKE_ID.test(name) || ids.pattern.test(name)) return [];
  return [
    {
      code: "malformed-id",
      message: `"${name}" is no id: those are ${ids.form}.`,
      notes: ["Copy it again; or give the resource a name, such as the binding's."],
    },
  ];
}
