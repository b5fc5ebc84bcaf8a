import { findConflicts } from "../bindings/claims.ts";
import { locate } from "../config/index.ts";
import type { Diagnostic } from "../errors.ts";
import type { Environment } from "../model.ts";

/** An error for each thing that several services of a graph claim and only one can have, shown at the second claim. */
export async function conflictDiagnostics(environments: Iterable<Environment>): Promise<Diagnostic[]> {
  return Promise.all(
    findConflicts(environments).map(async ({ code, message, notes, bindings }): Promise<Diagnostic> => {
      const places = await Promise.all(bindings.map(({ binding }) => locate(binding.written)));
      const others = places.filter((_place, index) => index !== 1).map((place) => `Also at ${place.file}:${place.line}`);
      return { severity: "error", code, message, location: places[1], notes: [...others, ...notes] };
    }),
  );
}
