/** How a resource of the model is named in the local runtime. */
import { TroupeError } from "../errors.ts";
import type { Binding, Resource } from "../model.ts";

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
