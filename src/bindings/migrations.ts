/** The history of a service's Durable Object classes: `[[migrations]]`, or its successor, the declarative `exports`. */
import type { Environment, Migration } from "../model.ts";

export type Storage = "sqlite" | "legacy-kv";

/** A class as its service's history leaves it. */
export interface DurableClass {
  storage: Storage;
  /**
   * What its objects' data is kept under: the name it was created with, so that a rename keeps the data; with the
   * migration's tag behind it when an earlier class had that name.
   */
  origin: string;
}

/** @returns the classes that exist once all `migrations` are applied */
export function classesAfter(migrations: readonly Migration[]): Map<string, DurableClass> {
  const classes = new Map<string, DurableClass>();
  const used = new Set<string>();
  const create = (name: string, storage: Storage, tag: string): void => {
    const origin = used.has(name) ? `${name}#${tag}` : name;
    used.add(name);
    classes.set(name, { storage, origin });
  };
  for (const migration of migrations) {
    const { tag } = migration;
    for (const name of migration.new_classes ?? []) create(name, "legacy-kv", tag);
    for (const name of migration.new_sqlite_classes ?? []) create(name, "sqlite", tag);
    for (const { from, to } of migration.renamed_classes ?? []) {
      used.add(from);
      classes.set(to, classes.get(from) ?? { storage: "sqlite", origin: from });
      classes.delete(from);
    }
    for (const { to } of migration.transferred_classes ?? []) create(to, "sqlite", tag);
    for (const name of migration.deleted_classes ?? []) {
      used.add(name);
      classes.delete(name);
    }
  }
  return classes;
}

/** One entry of the declarative `exports`, as far as Durable Objects go. */
export interface DeclaredExport {
  type: string;
  state?: "created" | "deleted" | "renamed" | "transferred" | "expecting-transfer";
  storage?: Storage;
  renamed_to?: string;
  transferred_to?: string;
  transfer_from?: string;
}

/** @returns the Durable Object classes that `exports` declares as existing */
export function classesDeclared(exports: Readonly<Record<string, DeclaredExport>>): Map<string, DurableClass> {
  const origins = new Map(
    Object.entries(exports).flatMap(([name, { state, renamed_to }]) =>
      state === "renamed" && renamed_to !== undefined ? [[renamed_to, name] as const] : [],
    ),
  );
  const originOf = (name: string, seen: readonly string[] = []): string => {
    const from = origins.get(name);
    return from === undefined || seen.includes(from) ? name : originOf(from, [...seen, name]);
  };
  return new Map(
    Object.entries(exports).flatMap(([name, { type, storage }]) =>
      type === "durable-object" && storage !== undefined ? [[name, { storage, origin: originOf(name) }] as const] : [],
    ),
  );
}

/** @returns the Durable Object classes that a service declares itself, in `exports` or `migrations` */
export function durableClasses(owner: Environment): Map<string, DurableClass> {
  const declared = classesDeclared((owner.settings.exports ?? {}) as Record<string, DeclaredExport>);
  return declared.size > 0 ? declared : classesAfter(owner.migrations);
}

/**
 * A Durable Object class as the local runtime declares it.
 * @param worker id of the worker that exports it
 * @param objects what the ids and the data of its objects go by
 */
export function localClass(owner: Environment | undefined, worker: string, className: string, objects = worker) {
  const { storage, origin } = (owner && durableClasses(owner).get(className)) ?? {
    storage: "sqlite" as const,
    origin: className,
  };
  return {
    type: "durable-object" as const,
    storage,
    // Without a key of its own, the data lies under the worker's and the class's name.
    ...((origin !== className || objects !== worker) && { unsafeUniqueKey: `${objects}-${origin}` }),
  };
}
