/** The fields of a binding as the command line takes them, read off the kind's own schema. */
import * as z from "zod";
import type { BindingConfigKey, BindingKind } from "./kind.ts";

export interface BindingField {
  /** Path in the entry: ["simple", "limit"]. */
  path: string[];
  /** Its flag: "simple-limit". */
  flag: string;
  /** `list`: may be given several times · `json`: any value, written as JSON. */
  type: "string" | "number" | "boolean" | "list" | "json";
  /** For `json`: a value that is no JSON is taken as it stands. */
  orText: boolean;
  choices?: (string | number)[];
  /** True when the entry is wrong without it. */
  required: boolean;
  describe?: string;
}

export interface BindingFields {
  kind: BindingKind;
  key: BindingConfigKey;
  /** How the name is written: a port is a number. */
  nameType: "string" | "number";
  /** False where an entry may go without a name (`assets`). */
  nameRequired: boolean;
  /** The field that can be given without its flag, behind the name. */
  positional?: BindingField;
  fields: BindingField[];
}

/** What `bindings add <kind>` takes. A kind with several places in the config is added to the first one. */
export function fieldsOf(kind: BindingKind): BindingFields {
  const key = kind.keys[0]!;
  const base = { kind, key, nameType: "string", nameRequired: true, fields: [] } as const satisfies BindingFields;
  if (key.form === "names") return { ...base, fields: [] };
  const schema = z.toJSONSchema(key.entry, { io: "input", unrepresentable: "any" }) as Schema;
  if (key.form === "record") {
    const value: BindingField = {
      path: [],
      flag: "value",
      type: "string",
      orText: true,
      required: true,
      describe: schema.description,
    };
    return { ...base, positional: value, fields: [] };
  }
  const { properties, required } = objectOf(schema);
  const name = key.nameField === undefined ? undefined : properties[key.nameField];
  const fields = Object.entries(properties)
    .filter(([field]) => field !== key.nameField)
    .flatMap(([field, property]) => fieldsIn(property, [field], required.has(field)));
  const first = fields.find((field) => field.required && field.path.length === 1 && field.type === "string");
  const resource = fields.find((field) => field.path.length === 1 && kind.resource?.fields.includes(field.path[0]!));
  const positional = first ?? resource;
  return {
    ...base,
    nameType: name && numeric(name) ? "number" : "string",
    nameRequired: key.nameField !== undefined && required.has(key.nameField),
    ...(positional && { positional }),
    fields,
  };
}

/** The part of JSON Schema that our schemas come out as. */
interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: unknown;
  description?: string;
}

/** The properties of an object, or of all the objects it may be; required are those that each of them requires. */
function objectOf(schema: Schema): { properties: Record<string, Schema>; required: Set<string> } {
  const branches = schema.anyOf ?? schema.oneOf;
  if (!branches) return { properties: schema.properties ?? {}, required: new Set(schema.required) };
  const objects = branches.map(objectOf);
  const properties: Record<string, Schema> = {};
  for (const name of new Set(objects.flatMap((object) => Object.keys(object.properties)))) {
    const forms = objects.flatMap((object) => object.properties[name] ?? []);
    const distinct = [...new Map(forms.map((form) => [JSON.stringify(form), form])).values()];
    const [only] = distinct;
    properties[name] = distinct.length === 1 ? only! : { anyOf: distinct, description: forms[0]!.description };
  }
  const [first, ...others] = objects;
  const everywhere = [...(first?.required ?? [])].filter((name) => others.every(({ required }) => required.has(name)));
  return { properties, required: new Set(everywhere) };
}

function fieldsIn(schema: Schema, path: string[], required: boolean): BindingField[] {
  const forms = (schema.anyOf ?? schema.oneOf)?.filter(({ type }) => type !== "null");
  if (forms?.length === 1) return fieldsIn({ description: schema.description, ...forms[0] }, path, required);
  const nested = schema.properties;
  if (nested && !forms) {
    const inner = new Set(schema.required);
    return Object.entries(nested).flatMap(([name, property]) =>
      fieldsIn(property, [...path, name], required && inner.has(name)),
    );
  }
  const choices = choicesOf(schema, forms);
  return [
    {
      path,
      flag: path.map(kebab).join("-"),
      ...(choices
        ? { choices, type: choices.every((choice) => typeof choice === "number") ? "number" : "string", orText: false }
        : typeOf(schema, forms)),
      required,
      ...(schema.description !== undefined && { describe: schema.description }),
    },
  ];
}

function choicesOf(schema: Schema, forms: Schema[] | undefined): (string | number)[] | undefined {
  const values = forms ? forms.map((form) => form.const) : (schema.enum ?? [schema.const]);
  const usable = values.every((value) => typeof value === "string" || typeof value === "number");
  return usable ? (values as (string | number)[]) : undefined;
}

function typeOf(schema: Schema, forms: Schema[] | undefined): Pick<BindingField, "type" | "orText"> {
  if (!forms) {
    if (schema.type === "string") return { type: "string", orText: false };
    if (schema.type === "boolean") return { type: "boolean", orText: false };
    if (numeric(schema)) return { type: "number", orText: false };
    if (schema.type === "array" && schema.items?.type === "string") return { type: "list", orText: false };
  }
  const text = (forms ?? [schema]).some(
    ({ type }) => type === "string" || (Array.isArray(type) && type.includes("string")),
  );
  return { type: "json", orText: text };
}

function numeric({ type }: Schema): boolean {
  return type === "number" || type === "integer";
}

/** `bucket_name` and `localConnectionString` alike. */
function kebab(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replaceAll("_", "-")
    .toLowerCase();
}
