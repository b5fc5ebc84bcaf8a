/**
 * What a deploy does to Durable Object classes, worked out before anything is touched. Pure: the previous version's
 * classes and the new config go in, steps and faults come out.
 * The rules are the platform's: https://developers.cloudflare.com/durable-objects/reference/durable-objects-migrations/
 */
import type { Migration } from "../model.ts";
import { classesAfter, classesDeclared, type DeclaredExport, type Storage } from "./migrations.ts";

export interface PreviousClasses {
  /** Tag of the last migration applied; absent when none was. */
  tag?: string;
  /** Classes that have storage now. */
  classes: Readonly<Record<string, Storage>>;
}

export interface NextClasses {
  migrations: readonly Migration[];
  /** The declarative form. A config has one of the two. */
  exports?: Readonly<Record<string, DeclaredExport>>;
  /** Names the new bundle exports. */
  exported: readonly string[];
  /** Classes of its own that the new version binds. */
  bound: readonly string[];
}

export interface MigrationFault {
  code: string;
  message: string;
  notes?: string[];
  /** Path in the config file. */
  path?: (string | number)[];
}

export interface MigrationPlan {
  /** Tags for the upload API; `to` is absent when there is nothing to do. */
  from?: string;
  to?: string;
  /** The migrations to apply, oldest first. */
  steps: Migration[];
  created: { name: string; storage: Storage }[];
  renamed: { from: string; to: string }[];
  transferred: { from: string; from_script: string; to: string }[];
  deleted: string[];
  /** Bound classes that no migration creates: SQLite locally; on Cloudflare's network a migration must create them. */
  undeclared: string[];
  /** The classes afterwards. */
  classes: Record<string, Storage>;
  faults: MigrationFault[];
}

/**
 * @param options.allowDataLoss the user said that deleting objects with their data is meant
 */
export function planMigrations(
  previous: PreviousClasses,
  next: NextClasses,
  options: { allowDataLoss: boolean } = { allowDataLoss: false },
): MigrationPlan {
  const plan: MigrationPlan = {
    steps: [],
    created: [],
    renamed: [],
    transferred: [],
    deleted: [],
    undeclared: [],
    classes: { ...previous.classes },
    faults: [],
  };
  if (next.exports && Object.keys(next.exports).length > 0) declare(plan, next.exports);
  else migrate(plan, previous, next.migrations);
  checkLoss(plan, next, options.allowDataLoss);
  return plan;
}

/** Applies the migrations behind the previous tag to `plan.classes`, one step after the other. */
function migrate(plan: MigrationPlan, previous: PreviousClasses, migrations: readonly Migration[]): void {
  const done = migrations.findIndex(({ tag }) => tag === previous.tag);
  migrations.forEach(({ tag }, index) => {
    if (migrations.findIndex((other) => other.tag === tag) === index) return;
    plan.faults.push({
      code: "duplicate-migration-tag",
      message: `Two migrations have the tag "${tag}".`,
      path: ["migrations", index, "tag"],
    });
  });
  if (previous.tag !== undefined && done < 0) {
    plan.faults.push({
      code: "migration-history",
      message: `The last migration applied, "${previous.tag}", is no longer in the config.`,
      notes: ["Put it back with all that were before it: migrations are only ever added at the end."],
      path: ["migrations"],
    });
    return;
  }
  checkHistory(plan, previous, migrations.slice(0, done + 1));
  plan.steps = migrations.slice(done + 1);
  if (previous.tag !== undefined) plan.from = previous.tag;
  const last = plan.steps.at(-1);
  if (last) plan.to = last.tag;
  plan.steps.forEach((step, offset) => {
    applyStep(plan, step, ["migrations", done + 1 + offset]);
  });
}

/** An applied migration that reads differently now than it did then. */
function checkHistory(plan: MigrationPlan, previous: PreviousClasses, applied: readonly Migration[]): void {
  for (const [name, { storage }] of classesAfter(applied)) {
    const before = previous.classes[name];
    if (before === undefined || before === storage) continue;
    plan.faults.push({
      code: "migration-history",
      message: `Class ${name} has ${before} storage; a migration that was applied long ago now says ${storage}.`,
      notes: [
        "A class's storage cannot be changed. Put the migration back as it was; make a new class for the new storage.",
      ],
      path: ["migrations"],
    });
  }
}

function applyStep(plan: MigrationPlan, step: Migration, path: (string | number)[]): void {
  const fault = (field: string, index: number, message: string, notes?: string[]): void => {
    plan.faults.push({
      code: "migration",
      message: `Migration "${step.tag}": ${message}`,
      path: [...path, field, index],
      ...(notes && { notes }),
    });
  };
  const has = (name: string): boolean => Object.hasOwn(plan.classes, name);
  const create = (field: "new_classes" | "new_sqlite_classes", storage: Storage): void => {
    step[field]?.forEach((name, index) => {
      // Bound before any migration named it: it has SQLite storage already, and is only being written down.
      if (plan.classes[name] === "sqlite" && storage === "sqlite" && !plan.created.some((made) => made.name === name))
        return;
      if (has(name)) fault(field, index, `class ${name} exists already.`);
      else {
        plan.classes[name] = storage;
        plan.created.push({ name, storage });
      }
    });
  };
  create("new_classes", "legacy-kv");
  create("new_sqlite_classes", "sqlite");
  step.renamed_classes?.forEach(({ from, to }, index) => {
    if (!has(from)) fault("renamed_classes", index, `there is no class ${from} to rename.`);
    else if (has(to)) fault("renamed_classes", index, `class ${to} exists already.`);
    else {
      plan.classes[to] = plan.classes[from]!;
      delete plan.classes[from];
      const made = plan.created.find(({ name }) => name === from);
      if (made) made.name = to;
      else plan.renamed.push({ from, to });
    }
  });
  step.transferred_classes?.forEach((transfer, index) => {
    if (has(transfer.to)) fault("transferred_classes", index, `class ${transfer.to} exists already.`);
    else {
      plan.classes[transfer.to] = "sqlite";
      plan.transferred.push({ ...transfer });
    }
  });
  step.deleted_classes?.forEach((name, index) => {
    if (!has(name)) {
      fault("deleted_classes", index, `there is no class ${name} to delete.`);
      return;
    }
    delete plan.classes[name];
    const made = plan.created.findIndex((other) => other.name === name);
    if (made >= 0) plan.created.splice(made, 1);
    else plan.deleted.push(name);
  });
}

/** The declarative form: every state that is not true yet becomes a change. */
function declare(plan: MigrationPlan, exports: Readonly<Record<string, DeclaredExport>>): void {
  const has = (name: string): boolean => Object.hasOwn(plan.classes, name);
  const entries = Object.entries(exports).filter(([, { type }]) => type === "durable-object");
  for (const [name, { state, renamed_to, transfer_from, storage }] of entries) {
    if (state === "renamed" && renamed_to !== undefined && has(name)) {
      plan.classes[renamed_to] = plan.classes[name]!;
      delete plan.classes[name];
      plan.renamed.push({ from: name, to: renamed_to });
    } else if ((state === "deleted" || state === "transferred") && has(name)) {
      delete plan.classes[name];
      if (state === "deleted") plan.deleted.push(name);
    } else if (state === "expecting-transfer" && transfer_from !== undefined && !has(name)) {
      plan.classes[name] = storage ?? "sqlite";
      plan.transferred.push({ from: name, from_script: transfer_from, to: name });
    }
  }
  for (const [name, { storage }] of classesDeclared(exports)) {
    const before = plan.classes[name];
    if (before === undefined) {
      plan.classes[name] = storage;
      plan.created.push({ name, storage });
    } else if (before !== storage) {
      plan.faults.push({
        code: "migration-history",
        message: `Class ${name} has ${before} storage, which cannot become ${storage}.`,
        path: ["exports", name, "storage"],
      });
    }
  }
}

/** Data is lost on purpose only, and no class with data may lose its code. */
function checkLoss(plan: MigrationPlan, next: NextClasses, allowDataLoss: boolean): void {
  if (!allowDataLoss) {
    for (const name of plan.deleted) {
      plan.faults.push({
        code: "data-loss",
        message: `Deleting the Durable Object class ${name} deletes all its objects with their data.`,
        notes: ["If that is meant, say so: --allow-data-loss."],
      });
    }
  }
  for (const name of Object.keys(plan.classes)) {
    if (next.exported.includes(name)) continue;
    plan.faults.push({
      code: "missing-class",
      message: `The code no longer exports the Durable Object class ${name}, whose objects exist.`,
      notes: [
        `Export it again; or add a migration with renamed_classes = [{ from = "${name}", to = "…" }], or deleted_classes = ["${name}"], which deletes their data.`,
      ],
    });
  }
  for (const name of next.bound) {
    if (Object.hasOwn(plan.classes, name)) continue;
    plan.undeclared.push(name);
    plan.classes[name] = "sqlite";
  }
}
