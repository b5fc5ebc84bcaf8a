/** Which Worker has the Durable Object classes that another one binds. */
import type { Binding } from "../../model.ts";
import type { Planned } from "./plan.ts";

/** A binding to a Durable Object class. */
export const isObject = ({ kind }: Binding): boolean => kind === "durable-object";

/** Whether one binds Durable Object classes of the other. */
export function bindsClassesOf(each: Planned, owner: Planned): boolean {
  const { scriptName } = owner.environment;
  return each.environment.bindings.some((binding) => isObject(binding) && each.needs(binding).includes(scriptName));
}

/** Whose classes another one binds comes before it. Where they bind each other, one of them gets a bridge. */
export function ownersFirst(all: readonly Planned[]): Planned[] {
  const order = new Set<Planned>();
  const seen = new Set<Planned>();
  const visit = (each: Planned): void => {
    if (seen.has(each)) return;
    seen.add(each);
    for (const other of all) if (bindsClassesOf(each, other)) visit(other);
    order.add(each);
  };
  for (const each of all) visit(each);
  return [...order];
}
