/** The JSON Schema of troupe.toml, for editors: made of the same schemas that check the files. */
import * as z from "zod";
import type { BindingConfigKey } from "../bindings/kind.ts";
import { BINDING_GROUPS, type BindingGroup, placing, SETTING_KEYS } from "./keys.ts";

type Json = Record<string, unknown>;

/** A draft-07 schema, which all TOML editors understand. */
export function configSchema(): Json {
  const environment = tableSchema("environment");
  const top = tableSchema("top-level");
  (top.properties as Json).env = {
    type: "object",
    description: SETTING_KEYS.env!.description,
    additionalProperties: { $ref: "#/definitions/environment" },
  };
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "troupe.toml",
    description: "Config of a service, or of a workspace of services.",
    ...top,
    definitions: { environment },
  };
}

function tableSchema(level: "top-level" | "environment"): Json {
  const properties: Json = {};
  for (const [key, { schema, description }] of Object.entries(SETTING_KEYS)) {
    if (placing(key, "troupe", level) !== "known") continue;
    properties[key] = { ...jsonOf(schema), description };
  }
  for (const [key, group] of BINDING_GROUPS) properties[key] = groupSchema(group, level);
  return { type: "object", properties, additionalProperties: false };
}

function groupSchema({ places, settings }: BindingGroup, level: "top-level" | "environment"): Json {
  const [first] = places;
  if (first && first.key.path.length === 1) return bindingSchema(first.key, level);
  const properties: Json = {};
  for (const { key } of places) properties[key.path[1]!] = bindingSchema(key, level);
  for (const { path, schema, description } of settings) properties[path[1]!] = { ...jsonOf(schema), description };
  return { type: "object", properties, additionalProperties: false };
}

function bindingSchema(key: BindingConfigKey, level: "top-level" | "environment"): Json {
  const { description } = key;
  if (key.form === "names") return { type: "array", items: { type: "string" }, description };
  const entry = level === "environment" ? partial(jsonOf(key.entry), key.nameField) : jsonOf(key.entry);
  if (key.form === "record") return { type: "object", additionalProperties: entry, description };
  if (key.form === "single") return { ...entry, description };
  return { type: "array", items: entry, description };
}

/** In an environment an entry may say only what differs from the inherited one, and its name. */
function partial(schema: Json, nameField: string | undefined): Json {
  const alternatives = ["anyOf", "oneOf"].filter((word) => Array.isArray(schema[word]));
  if (alternatives.length > 0) {
    const loose = alternatives.map((word) => [word, (schema[word] as Json[]).map((each) => partial(each, nameField))]);
    return { ...schema, ...Object.fromEntries(loose) };
  }
  if (!Array.isArray(schema.required)) return schema;
  return { ...schema, required: schema.required.filter((field) => field === nameField) };
}

function jsonOf(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { target: "draft-7", unrepresentable: "any", io: "input" });
  return json as Json;
}
