import type { BindingEdit } from "../../ops/bindings-edit.ts";
import type { Output } from "../../output/output.ts";

/** "added kv CACHE to gateway@staging (troupe.toml:12)". */
export function showEdit(edit: BindingEdit, output: Output): void {
  const { style } = output;
  const { action, kind, name, service, environment, location, unset } = edit;
  const place = style.dim(`(${output.path(location.file)}:${location.line})`);
  const direction = action === "added" ? "to" : "from";
  output.line(`${style.green(action)} ${kind} ${style.bold(name)} ${direction} ${service}@${environment} ${place}`);
  if (unset) output.note(`${environment} inherits it no longer (unset); other environments keep it`);
  for (const note of edit.notes) output.note(note);
}
