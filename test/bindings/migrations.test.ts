import { describe, expect, test } from "vitest";
import { type NextClasses, type PreviousClasses, planMigrations } from "../../src/bindings/migration-plan.ts";
import { classesAfter, classesDeclared, durableClasses } from "../../src/bindings/migrations.ts";
import type { Migration } from "../../src/model.ts";
import { environmentOf } from "./support.ts";

const v1: Migration = { tag: "v1", new_sqlite_classes: ["Counter"] };
const plan = (previous: PreviousClasses, next: Partial<NextClasses>, allowDataLoss = false) =>
  planMigrations(previous, { migrations: [], exported: [], bound: [], ...next }, { allowDataLoss });
const codes = (result: ReturnType<typeof plan>) => result.faults.map(({ code }) => code);
const applied: PreviousClasses = { tag: "v1", classes: { Counter: "sqlite" } };

describe("history", () => {
  test("classes and where their data lies", () => {
    const classes = classesAfter([
      v1,
      { tag: "v2", new_classes: ["Old"], renamed_classes: [{ from: "Counter", to: "Meter" }] },
      { tag: "v3", deleted_classes: ["Old"], new_sqlite_classes: ["Counter"] },
      { tag: "v4", renamed_classes: [{ from: "Meter", to: "Gauge" }] },
    ]);
    expect(Object.fromEntries(classes)).toEqual({
      Gauge: { storage: "sqlite", origin: "Counter" },
      Counter: { storage: "sqlite", origin: "Counter#v3" },
    });
  });

  test("a class made again after it was deleted begins empty", () => {
    const classes = classesAfter([
      v1,
      { tag: "v2", deleted_classes: ["Counter"] },
      { tag: "v3", new_sqlite_classes: ["Counter"] },
    ]);
    expect(classes.get("Counter")).toEqual({ storage: "sqlite", origin: "Counter#v3" });
  });

  test("the declarative form", () => {
    const exports = {
      Gauge: { type: "durable-object", storage: "sqlite" as const },
      Counter: { type: "durable-object", state: "renamed" as const, renamed_to: "Meter" },
      Meter: { type: "durable-object", state: "renamed" as const, renamed_to: "Gauge" },
      Api: { type: "worker" },
    };
    expect(Object.fromEntries(classesDeclared(exports))).toEqual({ Gauge: { storage: "sqlite", origin: "Counter" } });
    const environment = environmentOf("shop", {}, { settings: { exports } });
    expect([...durableClasses(environment).keys()]).toEqual(["Gauge"]);
  });

  test("classes renamed in a circle end somewhere", () => {
    const exports = {
      A: { type: "durable-object", state: "renamed" as const, renamed_to: "B", storage: "sqlite" as const },
      B: { type: "durable-object", state: "renamed" as const, renamed_to: "A", storage: "sqlite" as const },
    };
    expect(classesDeclared(exports).size).toBe(2);
  });
});

describe("plan", () => {
  test("a first deploy creates", () => {
    const result = plan({ classes: {} }, { migrations: [v1], exported: ["Counter"], bound: ["Counter"] });
    expect(result).toMatchObject({
      to: "v1",
      steps: [v1],
      created: [{ name: "Counter", storage: "sqlite" }],
      undeclared: [],
      faults: [],
    });
    expect(result).not.toHaveProperty("from");
  });

  test("nothing new: nothing to do", () => {
    const result = plan(applied, { migrations: [v1], exported: ["Counter"], bound: ["Counter"] });
    expect(result).toMatchObject({ from: "v1", steps: [], created: [], deleted: [], faults: [] });
    expect(result).not.toHaveProperty("to");
  });

  test("only what is behind the last tag is applied", () => {
    const v2: Migration = { tag: "v2", renamed_classes: [{ from: "Counter", to: "Meter" }] };
    const v3: Migration = {
      tag: "v3",
      new_classes: ["Plain"],
      transferred_classes: [{ from: "A", from_script: "old", to: "B" }],
    };
    const result = plan(applied, { migrations: [v1, v2, v3], exported: ["Meter", "Plain", "B"] });
    expect(result).toMatchObject({
      from: "v1",
      to: "v3",
      steps: [v2, v3],
      renamed: [{ from: "Counter", to: "Meter" }],
      created: [{ name: "Plain", storage: "legacy-kv" }],
      transferred: [{ from: "A", from_script: "old", to: "B" }],
      classes: { Meter: "sqlite", Plain: "legacy-kv", B: "sqlite" },
      faults: [],
    });
  });

  test("a bound class that no migration creates is SQLite, and said", () => {
    const result = plan({ classes: {} }, { exported: ["Counter"], bound: ["Counter"] });
    expect(result).toMatchObject({ undeclared: ["Counter"], classes: { Counter: "sqlite" }, faults: [] });
  });

  test("such a class can be written down later", () => {
    const result = plan(
      { classes: { Counter: "sqlite" } },
      { migrations: [v1], exported: ["Counter"], bound: ["Counter"] },
    );
    expect(result).toMatchObject({ to: "v1", created: [], faults: [] });
  });

  test("the declarative form: creates, renames, deletes", () => {
    const exports = {
      Meter: { type: "durable-object", storage: "sqlite" as const },
      Counter: { type: "durable-object", state: "renamed" as const, renamed_to: "Meter" },
      Gone: { type: "durable-object", state: "deleted" as const },
      Fresh: { type: "durable-object", storage: "legacy-kv" as const },
    };
    const result = plan(
      { classes: { Counter: "sqlite", Gone: "sqlite" } },
      { exports, exported: ["Meter", "Fresh"] },
      true,
    );
    expect(result).toMatchObject({
      renamed: [{ from: "Counter", to: "Meter" }],
      created: [{ name: "Fresh", storage: "legacy-kv" }],
      deleted: ["Gone"],
      classes: { Meter: "sqlite", Fresh: "legacy-kv" },
      faults: [],
    });
    // The same again changes nothing.
    expect(plan({ classes: result.classes }, { exports, exported: ["Meter", "Fresh"] })).toMatchObject({
      renamed: [],
      created: [],
      deleted: [],
      faults: [],
    });
  });
});

describe("refused", () => {
  test("deleting objects with their data, unless it is said", () => {
    const next = { migrations: [v1, { tag: "v2", deleted_classes: ["Counter"] }] };
    expect(plan(applied, next).faults).toEqual([
      expect.objectContaining({
        code: "data-loss",
        message: expect.stringContaining("Counter"),
        notes: [expect.stringContaining("--allow-data-loss")],
      }),
    ]);
    expect(plan(applied, next, true)).toMatchObject({ deleted: ["Counter"], faults: [] });
  });

  test("a class made and deleted before it was ever deployed loses nothing", () => {
    const result = plan({ classes: {} }, { migrations: [v1, { tag: "v2", deleted_classes: ["Counter"] }] });
    expect(result).toMatchObject({ created: [], deleted: [], faults: [] });
  });

  test("code that no longer exports a class with objects, said or not", () => {
    expect(codes(plan(applied, { migrations: [v1] }))).toEqual(["missing-class"]);
    expect(codes(plan(applied, { migrations: [v1] }, true))).toEqual(["missing-class"]);
  });

  test("a history that was rewritten", () => {
    expect(
      codes(plan(applied, { migrations: [{ tag: "v9", new_sqlite_classes: ["Counter"] }], exported: ["Counter"] })),
    ).toEqual(["migration-history"]);
    expect(
      codes(plan(applied, { migrations: [{ tag: "v1", new_classes: ["Counter"] }], exported: ["Counter"] })),
    ).toEqual(["migration-history"]);
    expect(
      codes(
        plan(applied, {
          exports: { Counter: { type: "durable-object", storage: "legacy-kv" } },
          exported: ["Counter"],
        }),
      ),
    ).toEqual(["migration-history"]);
  });

  test("tags twice, classes that exist or don't; each with its place", () => {
    const migrations: Migration[] = [
      v1,
      { tag: "v2", new_classes: ["Counter"] },
      { tag: "v2", renamed_classes: [{ from: "No", to: "Other" }], deleted_classes: ["Neither"] },
      { tag: "v3", new_classes: ["Other"], renamed_classes: [{ from: "Counter", to: "Other" }] },
    ];
    const { faults } = plan(applied, { migrations, exported: ["Counter", "Other"] });
    expect(faults.map(({ code, path }) => [code, path?.join(".")])).toEqual([
      ["duplicate-migration-tag", "migrations.2.tag"],
      ["migration", "migrations.1.new_classes.0"],
      ["migration", "migrations.2.renamed_classes.0"],
      ["migration", "migrations.2.deleted_classes.0"],
      ["migration", "migrations.3.renamed_classes.0"],
    ]);
  });
});
