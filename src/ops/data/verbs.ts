/** What can be done to local data, by kind of binding. The same functions run inside `dev` and alone. */
import { TroupeError } from "../../errors.ts";
import { d1Verbs } from "./d1.ts";
import { kvVerbs } from "./kv.ts";
import { queueVerbs } from "./queue.ts";
import { r2Verbs } from "./r2.ts";

/** A result: data for JSON, and bytes when there is a value to hand out as it is. */
export interface VerbResult {
  value: unknown;
  bytes?: Uint8Array;
}

/**
 * @param binding what code finds in `env` under the binding's name
 * @param args plain data
 * @param body what is too large for args: a value to store, SQL, entries to import
 */
export type Verb = (
  binding: unknown,
  args: Record<string, unknown>,
  body: Uint8Array | undefined,
) => Promise<VerbResult>;

const VERBS: Record<string, Record<string, Verb>> = { kv: kvVerbs, r2: r2Verbs, d1: d1Verbs, queue: queueVerbs };

/** @throws TroupeError USAGE for a verb that the kind does not have */
export function verbOf(kind: string, name: string): Verb {
  const verb = VERBS[kind]?.[name];
  if (!verb) throw new TroupeError("USAGE", `There is no "${name}" for ${kind}`);
  return verb;
}
