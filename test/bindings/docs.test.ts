/** The examples of docs/bindings.md are real: they parse, and there is one for every kind. */
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { BINDING_KEYS, BINDING_KINDS, kindOf } from "../../src/bindings/index.ts";
import { bindingsOf } from "./support.ts";

const page = readFileSync(new URL("../../docs/bindings.md", import.meta.url), "utf8");
const examples = [...page.matchAll(/```toml\n(.*?)```/gs)].map(([, toml]) => parse(toml!));

test("every example is valid and every kind has one", () => {
  const kinds = new Set(examples.flatMap((config) => bindingsOf("shop", config)).map((binding) => kindOf(binding).id));
  expect(BINDING_KINDS.map(({ id }) => id).filter((id) => !kinds.has(id))).toEqual([]);
});

test("no example has a key that nobody reads", () => {
  const known = new Set([...BINDING_KEYS.map(({ key }) => key.path[0]!), "migrations"]);
  expect(examples.flatMap((config) => Object.keys(config)).filter((key) => !known.has(key))).toEqual([]);
});

test("links lead to headings", () => {
  const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, text]) =>
    text!
      .toLowerCase()
      .replace(/[^\w\s-]/g, "")
      .replaceAll(" ", "-"),
  );
  const links = [...page.matchAll(/\(#([\w-]+)\)/g)].map(([, anchor]) => anchor);
  expect(links.filter((anchor) => !headings.includes(anchor!))).toEqual([]);
});
