import { findConflicts } from "../bindings/claims.ts";
import { locate } from "../config/index.ts";
import type { Diagnostic } from "../errors.ts";
import type { Environment } from "../model.ts";

/**
 * An error for each thing that several services of a graph claim and only one can have, shown at the second claim.
 * @param about only what concerns one of these; left out: everything
 */
export async function conflictDiagnostics(
  environments: Iterable<Environment>,
  about?: ReadonlySet<Environment>,
): Promise<Diagnostic[]> {
  const conflicts = findConflicts(environments).filter(
    ({ bindings }) => !about || bindings.some(({ environment }) => about.has(environment)),
  );
  return Promise.all(
    conflicts.map(async ({ code, message, notes, bindings }): Promise<Diagnostic> => {
      const places = await Promise.all(bindings.map(({ binding }) => locate(binding.written)));
      const others = places
        .filter((_place, index) => index !== 1)
        .map((place) => `Also at ${place.file}:${place.line}`);
      return { severity: "error", code, message, location: places[1], notes: [...others, ...notes] };
    }),
  );
}
