/** Places in stacks and log lines, found wherever they stand. */
import { expect, test } from "vitest";
import type { Bundle } from "../../src/model.ts";
import { stackMapper } from "../../src/runtime/stacks.ts";

/** Maps each line to the one of the same number in shop.ts. */
const map = { version: 3, sources: ["shop.ts"], names: [], mappings: "AAAA;AACA;AACA" };
const bundle = {
  modules: [{ name: "index.js.map", type: "sourcemap", contents: Buffer.from(JSON.stringify(map)) }],
} as unknown as Bundle;
const mapper = stackMapper(bundle, "/shop");

test.each([
  ["    at fetch (index.js:2:1)", "    at fetch (/shop/shop.ts:2:1)"],
  ["    at file:///bundle/index.js:3:1", "    at /shop/shop.ts:3:1"],
  ["  at index.js:1:1 in fetch, index.js:2:1", "  at /shop/shop.ts:1:1 in fetch, /shop/shop.ts:2:1"],
  ["    at other.js:1:1", "    at other.js:1:1"],
])("%s", (stack, mapped) => {
  expect(mapper.map(stack).stack).toBe(mapped);
});

test("a megabyte without a blank is passed on, and a place behind it found", () => {
  const long = "x".repeat(1_000_000);
  expect(mapper.map(`${long} (index.js:1:1)`).stack).toBe(`${long} (/shop/shop.ts:1:1)`);
});
