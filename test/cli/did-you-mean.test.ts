import { expect, test } from "vitest";
import { didYouMean } from "../../src/lib/did-you-mean.ts";

const KEYS = ["vars", "main", "kv_namespaces", "compatibility_date", "compatibility_flags", "dev", "env"];

test.each([
  ["vras", "vars"],
  ["mian", "main"],
  ["kv_namespace", "kv_namespaces"],
  ["compatability_date", "compatibility_date"],
  ["dve", "dev"],
  ["VARS", "vars"],
  ["kv", "kv_namespaces"],
])("%s is %s", (typed, meant) => {
  expect(didYouMean(typed, KEYS)).toBe(meant);
});

test.each(["xyzzy", "x", "services"])("%s is nothing known", (typed) => {
  expect(didYouMean(typed, KEYS)).toBeUndefined();
});
