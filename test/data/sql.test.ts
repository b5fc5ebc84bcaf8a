import { expect, test } from "vitest";
import { splitStatements } from "../../src/ops/data/sql.ts";

test.each([
  ["one", "SELECT 1", ["SELECT 1"]],
  ["several, the last without a semicolon", "SELECT 1;\n SELECT 2 ", ["SELECT 1", "SELECT 2"]],
  [
    "semicolons in strings and names",
    `SELECT 'a;''b'; SELECT ";" FROM [x;y]`,
    [`SELECT 'a;''b'`, `SELECT ";" FROM [x;y]`],
  ],
  ["comments", "-- a; b\nSELECT 1; /* ; */ ; -- end", ["-- a; b\nSELECT 1"]],
  [
    "a trigger with CASE",
    "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE WHEN 1 THEN 2 END; DELETE FROM c; END; SELECT 1",
    [
      "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE WHEN 1 THEN 2 END; DELETE FROM c; END",
      "SELECT 1",
    ],
  ],
  ["nothing", " ; ;\n", []],
])("splits %s", (_name, sql, statements) => {
  expect(splitStatements(sql)).toEqual(statements);
});
