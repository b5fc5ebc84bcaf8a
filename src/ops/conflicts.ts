import { findConflicts } from "../bindings/claims.ts";
import { kindOf } from "../bindings/index.ts";
import { locate } from "../config/index.ts";
import type { Diagnostic } from "../errors.ts";
import type { Environment } from "../model.ts";

/** An error for each binding that is right to read and wrong to run, at its entry. */
export async function runDiagnostics(environments: Iterable<Environment>): Promise<Diagnostic[]> {
  const faults = [...environments].flatMap((environment) =>
    environment.bindings.flatMap((binding) =>
      (kindOf(binding).validate?.(binding, environment) ?? [])
        .filter(({ toRun }) => toRun)
        .map((fault) => ({ ...fault, written: binding.written })),
    ),
  );
  // What several environments inherit is wrong once.
  const once = new Map(
    faults.map((fault) => [JSON.stringify([fault.written.file, fault.written.path, fault.code]), fault]),
  );
  return Promise.all(
    [...once.values()].map(async ({ code, message, notes, written }): Promise<Diagnostic> => {
      return { severity: "error", code, message, location: await locate(written), ...(notes && { notes }) };
    }),
  );
}

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
