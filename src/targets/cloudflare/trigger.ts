/** One of the settings around a Worker. */
import type { Environment } from "../../model.ts";
import type { Around } from "./brief.ts";
import type { Network } from "./network.ts";

export interface TriggerContext {
  network: Network;
  environment: Environment;
  /** The environments of the versions before this one: what they had and this one has not goes. */
  previous: readonly Around[];
  /** `service gateway@staging`. */
  about: string;
  /** Upload metadata of the version. */
  metadata: Record<string, unknown>;
  /** Tags for the script. */
  tags: string[];
}

/** One setting that can be read, written and put back. */
export interface Trigger<T> {
  /** In words; empty for what nobody wants to know. */
  what: string;
  read(): Promise<T>;
  wanted: T;
  write(value: T): Promise<unknown>;
  equal?(found: T): boolean;
}

/** Whether all that is wanted is there; what else is there does not matter. */
export function includes(found: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return found === wanted;
  if (typeof found !== "object" || found === null) return false;
  return Object.entries(wanted).every(([key, value]) => includes((found as Record<string, unknown>)[key], value));
}

/** Whether a version before this one, or this one, has anything of a kind: what somebody else set is left alone. */
export function concerned({ environment, previous }: TriggerContext, has: (environment: Around) => boolean): boolean {
  return has(environment) || previous.some(has);
}

/** Without what is undefined. */
export function clean<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
}
