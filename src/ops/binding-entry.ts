/** What is typed for a new binding: what a kind takes, and its config entry made of it. */
import { type BindingField, fieldsOf } from "../bindings/fields.ts";
import { BINDING_KINDS, kindById } from "../bindings/index.ts";
import { TroupeError } from "../errors.ts";
import { didYouMean } from "../lib/did-you-mean.ts";

export type { BindingField } from "../bindings/fields.ts";

/** Ids of all kinds, as typed after `bindings add`. */
export const KIND_IDS: readonly string[] = BINDING_KINDS.map(({ id }) => id);

/** What `bindings add <kind>` takes. */
export interface BindingInput {
  /** "KV namespace". */
  title: string;
  /** One sentence. */
  description: string;
  nameRequired: boolean;
  /** The field that may stand behind the name without its flag. Its flag is no field's for `NAME = value`. */
  positional?: BindingField;
  fields: readonly BindingField[];
  /** True for `NAME = value`, where the value may be any JSON. */
  anyValue: boolean;
}

/** Values as typed. */
export interface TypedBinding {
  name?: string;
  /** The positional. */
  value?: string;
  /** By flag. */
  flags: Readonly<Record<string, unknown>>;
  /** The value of `NAME = value` is JSON. */
  jsonValue?: boolean;
}

/** @throws TroupeError USAGE for a kind that there is not, with a guess and the list */
export function bindingInput(id: string): BindingInput {
  const kind = kindById(id);
  if (!kind) {
    const guess = didYouMean(id, KIND_IDS);
    throw new TroupeError("USAGE", `There is no kind of binding "${id}"`, {
      notes: [...(guess ? [`did you mean ${guess}?`] : []), `kinds: ${KIND_IDS.join(", ")}`],
    });
  }
  const { key, nameRequired, positional, fields } = fieldsOf(kind);
  return {
    title: kind.title,
    description: key.description,
    nameRequired,
    ...(positional && { positional }),
    fields,
    anyValue: key.form === "record",
  };
}

/**
 * @returns the name and the entry without it; for `NAME = value`, the value
 * @throws TroupeError USAGE for what is missing, or more than the kind takes, or no JSON where JSON is due
 */
export function readEntry(id: string, typed: TypedBinding): { name?: string | number; entry: unknown } {
  const kind = kindById(id);
  if (!kind) throw new TroupeError("INTERNAL", `there is no binding kind ${id}`);
  const { key, fields, positional, nameRequired, nameType } = fieldsOf(kind);
  const { name: given, value } = typed;

  if (given === undefined && nameRequired) throw usage(id, "<name> is missing");
  if (given !== undefined && key.form === "single" && key.nameField === undefined) {
    throw usage(id, `"${given}" is one argument too many: ${kind.title} has no name`);
  }
  const name = nameType === "number" && given !== undefined ? numberIn(given, "<name>", id) : given;
  if (value !== undefined && !positional) throw usage(id, `"${value}" is one argument too many`);
  if (key.form === "record") {
    if (value === undefined) throw usage(id, "<value> is missing");
    return { name, entry: typed.jsonValue ? jsonIn(value, "<value>", id) : value };
  }
  return { name, entry: entryOf(id, fields, positional, typed) };
}

function entryOf(
  id: string,
  fields: readonly BindingField[],
  positional: BindingField | undefined,
  { value, flags }: TypedBinding,
): Record<string, unknown> {
  const entry: Record<string, unknown> = {};
  const missing: string[] = [];
  for (const field of fields) {
    const isPositional = field === positional;
    const flag = flags[field.flag];
    if (isPositional && value !== undefined && flag !== undefined) {
      throw usage(id, `--${field.flag} is given twice: "${value}" is it, too`);
    }
    const text = isPositional && value !== undefined ? value : flag;
    if (text !== undefined) put(entry, field.path, valueIn(text, field, id));
    else if (field.required) missing.push(isPositional ? `<${field.flag}>` : `--${field.flag}`);
  }
  if (missing.length > 0) throw usage(id, `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} missing`);
  return entry;
}

/** yargs has made numbers, booleans and lists already; a positional is text. */
function valueIn(given: unknown, field: BindingField, id: string): unknown {
  if (typeof given !== "string") return given;
  if (field.type === "number") return numberIn(given, `--${field.flag}`, id);
  return field.type === "json" ? jsonIn(given, `--${field.flag}`, id, field.orText) : given;
}

function numberIn(text: string, what: string, id: string): number {
  const number = Number(text);
  if (text.trim() === "" || Number.isNaN(number)) throw usage(id, `${what} takes a number, not "${text}"`);
  return number;
}

function jsonIn(text: string, what: string, id: string, orText = false): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (orText) return text;
    throw usage(id, `${what} takes JSON: ${(error as Error).message}`);
  }
}

function put(entry: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let table = entry;
  for (const key of path.slice(0, -1)) {
    table[key] ??= {};
    table = table[key] as Record<string, unknown>;
  }
  table[path.at(-1)!] = value;
}

function usage(id: string, message: string): TroupeError {
  return new TroupeError("USAGE", message, { notes: [`"troupe bindings add ${id} --help" shows what it takes`] });
}
