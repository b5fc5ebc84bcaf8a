/** What only one binding of a graph can do: receive from a queue, have a Workflow's class, listen on a port. */
import { type Binding, type Environment, refId } from "../model.ts";
import { kindOf } from "./index.ts";

export interface Conflict {
  code: "conflicting-bindings";
  message: string;
  notes: string[];
  /** The bindings that exclude each other, in the order found; each says where it was written. */
  bindings: { environment: Environment; binding: Binding }[];
}

/** @returns one conflict for each thing that two or more bindings of these environments claim */
export function findConflicts(environments: Iterable<Environment>): Conflict[] {
  const claims = new Map<string, { what: string; bindings: Conflict["bindings"] }>();
  for (const environment of environments) {
    for (const binding of environment.bindings) {
      const claim = kindOf(binding).claims?.(binding);
      if (!claim) continue;
      const known = claims.get(claim.id) ?? { what: claim.what, bindings: [] };
      known.bindings.push({ environment, binding });
      claims.set(claim.id, known);
    }
  }
  return [...claims.values()]
    .filter(({ bindings }) => bindings.length > 1)
    .map(({ what, bindings }) => {
      const owners = bindings.map(({ environment: { service, name } }) => refId({ service, environment: name }));
      const who = owners.filter((owner, index) => owners.indexOf(owner) === index);
      const all = who.length === 2 ? "both" : "all";
      const list =
        who.length > 1 ? `${who.slice(0, -1).join(", ")} and ${who.at(-1)} ${all} do` : `${who[0]} does so twice`;
      return {
        code: "conflicting-bindings" as const,
        message: `Only one service can ${what}; ${list}.`,
        notes: ["Remove all but one of them."],
        bindings,
      };
    });
}
