/** What only one service of a graph can have: a queue's consumer, a Workflow's class, a port. */
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
      const owners = bindings.map(({ environment }) =>
        refId({ service: environment.service, environment: environment.name }),
      );
      const unique = [...new Set(owners)];
      const who =
        unique.length > 1 ? `${unique.slice(0, -1).join(", ")} and ${unique.at(-1)} are each` : `${unique[0]} is twice`;
      return {
        code: "conflicting-bindings" as const,
        message: `${who} ${what}; there can be only one.`,
        notes: ["Remove all but one of them."],
        bindings,
      };
    });
}
