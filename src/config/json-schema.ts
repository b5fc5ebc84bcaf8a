/** The JSON Schema of troupe.toml, for editors: made of the same schemas that check the files. */
import * as z from "zod";
import type { BindingConfigKey } from "../bindings/kind.ts";
import { BINDING_GROUPS, type BindingGroup, placing, SETTING_KEYS } from "./keys.ts";

type Json = Record<string, unknown>;
type Level = "top-level" | "environment";
/** Names of schemas that others refer to, by what they mean. */
type Definitions = Map<string, string>;

/** Stands in a meaning for a reference to itself. */
const ITSELF = '"\\u0000itself"';

/** A draft-07 schema, which all TOML editors understand. */
export function configSchema(): Json {
  const definitions: Definitions = new Map();
  const environment = tableSchema("environment", definitions);
  const top = tableSchema("top-level", definitions);
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
    definitions: { environment, ...shared(definitions) },
  };
}

/** @param definitions gets what schemas refer to by name */
function tableSchema(level: Level, definitions: Definitions): Json {
  const properties: Json = {};
  for (const [key, { schema, description }] of Object.entries(SETTING_KEYS)) {
    if (placing(key, "troupe", level) !== "known") continue;
    properties[key] = { ...jsonOf(schema, definitions), description };
  }
  for (const [key, group] of BINDING_GROUPS) properties[key] = groupSchema(group, level, definitions);
  return { type: "object", properties, additionalProperties: false };
}

function groupSchema({ places, settings }: BindingGroup, level: Level, definitions: Definitions): Json {
  const [first] = places;
  if (first && first.key.path.length === 1) return bindingSchema(first.key, level, definitions);
  const properties: Json = {};
  for (const { key } of places) properties[key.path[1]!] = bindingSchema(key, level, definitions);
  for (const { path, schema, description } of settings)
    properties[path[1]!] = { ...jsonOf(schema, definitions), description };
  return { type: "object", properties, additionalProperties: false };
}

function bindingSchema(key: BindingConfigKey, level: Level, definitions: Definitions): Json {
  const { description } = key;
  if (key.form === "names") return { type: "array", items: { type: "string" }, description };
  const whole = jsonOf(key.entry, definitions);
  const entry = level === "environment" ? partial(whole, key.nameField) : whole;
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

function jsonOf(schema: z.ZodType, definitions: Definitions): Json {
  const whole = z.toJSONSchema(schema, {
    target: "draft-7",
    unrepresentable: "any",
    io: "input",
    override: plainPattern,
  });
  const { $schema: _, definitions: own = {}, ...json } = whole as Json & { definitions?: Json };
  // A schema that contains itself (any JSON) refers to its parts from its own root, which is not the root here.
  let text = JSON.stringify(json);
  for (const [name, definition] of Object.entries(own)) {
    const itself = JSON.stringify(`#/definitions/${name}`);
    const meaning = JSON.stringify(definition).replaceAll(itself, ITSELF);
    if (!definitions.has(meaning)) definitions.set(meaning, `shared${definitions.size + 1}`);
    text = text.replaceAll(itself, JSON.stringify(`#/definitions/${definitions.get(meaning)}`));
  }
  return JSON.parse(text);
}

/** Not every editor's regular expressions know Unicode's properties. */
function plainPattern({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.pattern?.includes("\\p{")) delete jsonSchema.pattern;
}

function shared(definitions: Definitions): Json {
  const entries = [...definitions].map(([meaning, name]) => {
    return [name, JSON.parse(meaning.replaceAll(ITSELF, JSON.stringify(`#/definitions/${name}`)))];
  });
  return Object.fromEntries(entries);
}
