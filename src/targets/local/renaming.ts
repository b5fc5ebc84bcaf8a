/** Where the bindings of a renamed environment lead: a service is bound in the environment of the same name, if it has one. */
import type { Diagnostic } from "../../errors.ts";
import { outgoing, type Resolution } from "../../graph/index.ts";
import { type EnvironmentRef, refId } from "../../model.ts";
import type { Store } from "../../store/index.ts";
import { deployedWorkspace } from "./deployed.ts";

/** What the bindings of an environment lead to, by their names; nothing when it has no version. */
export function leadsTo(store: Store, ref: EnvironmentRef): Map<string, Resolution> {
  const workspace = deployedWorkspace(store);
  const own = workspace.deployed.get(refId(ref));
  const edges = own ? outgoing(workspace, own.environment) : [];
  return new Map(edges.map(({ binding, resolution }) => [binding.name, resolution]));
}

/**
 * A warning for each binding that leads elsewhere than it did, but to the environment itself.
 * @param before what the bindings led to; `after`: what they lead to now
 */
export function ledElsewhere(
  old: EnvironmentRef,
  renamed: EnvironmentRef,
  before: ReadonlyMap<string, Resolution>,
  after: ReadonlyMap<string, Resolution>,
): Diagnostic[] {
  return [...before].flatMap(([binding, { ref: was, missing }]): Diagnostic[] => {
    const is = after.get(binding);
    if (!is || missing !== undefined || refId(is.ref) === refId(was) || refId(was) === refId(old)) return [];
    const where = is.missing === undefined ? `to ${refId(is.ref)}` : "nowhere";
    const command = `troupe env rename ${was.environment} ${renamed.environment} --service ${was.service}`;
    const note =
      was.environment === old.environment
        ? `A service is bound in the environment of the same name: rename that of ${was.service}, too, with \`${command}\``
        : "A service is bound in the environment of the same name, and in production where there is none";
    return [
      {
        severity: "warning",
        code: "leads-elsewhere",
        message: `The binding ${binding} of ${refId(renamed)} leads ${where} now, and no longer to ${refId(was)}`,
        notes: [note],
      },
    ];
  });
}
