/** The JSON Schema that editors get, against files that the reader takes or refuses. */
import { readFile } from "node:fs/promises";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { BINDING_KEYS } from "../../src/bindings/index.ts";
import { configSchema } from "../../src/config/index.ts";
import { goldenCases } from "./golden.ts";

const schema = configSchema() as {
  properties: Record<string, unknown>;
  definitions: { environment: { properties: Record<string, unknown> } };
};

describe("the JSON Schema of troupe.toml", async () => {
  const validator = z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema);
  const files = (await goldenCases()).filter(({ input }) => input.endsWith(".troupe.toml"));

  it.each(files.filter(({ name }) => !name.startsWith("err-")))("takes $name", async ({ input, name }) => {
    const text = (await readFile(input, "utf8")).replace(/^\uFEFF/, "");
    const value = JSON.parse(JSON.stringify(parse(text)));
    if (name === "toml-date") value.compatibility_date = value.compatibility_date.slice(0, 10);
    const { error } = validator.safeParse(value);
    if (name === "crlf-and-bom") expect(error).toBeDefined();
    else expect(error?.issues).toBeUndefined();
  });

  it.each([
    "err-unknown-key",
    "err-wrong-type",
    "err-enum",
    "err-shared-without-resource",
    "err-top-level-key-in-environment",
  ])("refuses %s", async (name) => {
    const { input } = files.find((file) => file.name === name)!;
    expect(validator.safeParse(parse(await readFile(input, "utf8"))).success).toBe(false);
  });

  it("has every binding, described, at the top level and in environments", () => {
    for (const { key } of BINDING_KEYS) {
      for (const { properties } of [schema, schema.definitions.environment]) {
        const [top, below] = key.path as [string, string?];
        const group = properties[top] as { description?: string; properties: Record<string, { description?: string }> };
        expect((below ? group.properties[below] : group)?.description, key.path.join(".")).toBe(key.description);
      }
    }
  });

  it("asks an environment's entry for its name alone: the rest may be inherited", () => {
    const of = (properties: Record<string, unknown>) =>
      (properties.services as { items: { required: string[] } }).items.required;
    expect(of(schema.properties)).toEqual(["binding", "service"]);
    expect(of(schema.definitions.environment.properties)).toEqual(["binding"]);
  });
});
