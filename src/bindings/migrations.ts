/** The history of a service's Durable Object classes: `[[migrations]]`, or its successor, the declarative `exports`. */
import type { Environment, Migration } from "../model.ts";

export type Storage = "sqlite" | "legacy-kv";

/** @returns the classes that exist once all `migrations` are applied, with their storage */
export function classesAfter(migrations: readonly Migration[]): Map<string, Storage> {
  const classes = new Map<string, Storage>();
  for (const migration of migrations) {
    for (const name of migration.new_classes ?? []) classes.set(name, "legacy-kv");
    for (const name of migration.new_sqlite_classes ?? []) classes.set(name, "sqlite");
    for (const { from, to } of migration.renamed_classes ?? []) {
      classes.set(to, classes.get(from) ?? "sqlite");
      classes.delete(from);
    }
    for (const { to } of migration.transferred_classes ?? []) classes.set(to, "sqlite");
    for (const name of migration.deleted_classes ?? []) classes.delete(name);
  }
  return classes;
}

/** @returns the storage of a class as its own service declares it; undefined when it declares nothing */
export function classStorage(owner: Environment, className: string): Storage | undefined {
  const exported = (owner.settings.exports as Record<string, { type?: string; storage?: Storage }> | undefined)?.[
    className
  ];
  if (exported?.type === "durable-object") return exported.storage;
  return classesAfter(owner.migrations).get(className);
}
