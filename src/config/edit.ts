/**
 * Editing a config file in place: comments, order and formatting stay. Every edit is proved by reading the new text: it
 * must mean exactly what the old one meant, plus or minus the change.
 */
import { isDeepStrictEqual } from "node:util";
import { parse as parseToml } from "smol-toml";
import { TroupeError } from "../errors.ts";
import { replaceFile } from "../lib/replace-file.ts";
import { appendJsonc, commentedJsonc, parseJsonc, removeJsonc, setJsonc } from "./edit/jsonc.ts";
import { appendToml, commentedToml, declareToml, removeToml, setToml } from "./edit/toml.ts";

export type ConfigFormat = "toml" | "json";

/** One change. Paths are keys from the root of the file; what is missing above the last key is made. */
export type ConfigEdit =
  /** A new element at the end of a list. */
  | { op: "append"; path: readonly string[]; value: unknown }
  /** A key's value, new or instead of the one it has. */
  | { op: "set"; path: readonly string[]; value: unknown }
  /**
   * Removes a key or an element, and the lists and tables above it that are empty then and hold no comments. The first
   * `keep` keys of the path (default 0) stay, even empty: an environment exists by its table.
   */
  | { op: "remove"; path: readonly (string | number)[]; keep?: number };

/** TOML by its file name, else JSON (with comments). */
export function formatOf(file: string): ConfigFormat {
  return file.endsWith(".toml") ? "toml" : "json";
}

/**
 * Applies edits one after another.
 * @returns the new text; line ending, byte order mark, and a missing line ending at the end stay as they are
 * @throws TroupeError CONFIG when the text cannot be read; INTERNAL when the result would mean something else
 */
export function editConfig(text: string, format: ConfigFormat, edits: readonly ConfigEdit[]): string {
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  let body = text.slice(mark.length);
  for (const edit of edits) body = applyProved(body, format, edit);
  return mark + body;
}

/**
 * Replaces a config file's text: all of it or nothing, also when the power goes. Its mode stays; a symbolic link stays one.
 * @throws the file system's error when it cannot be written
 */
export async function writeConfig(file: string, text: string): Promise<void> {
  await replaceFile(file, text);
}

interface Language {
  parse(text: string): unknown;
  append(text: string, path: readonly string[], value: unknown): string;
  set(text: string, path: readonly string[], value: unknown): string;
  remove(text: string, path: readonly (string | number)[]): string;
  commented(text: string, path: readonly (string | number)[]): boolean;
  /** Makes an empty table, where removing the last thing in it removes the table as well. */
  declare?(text: string, path: readonly string[]): string;
}

const LANGUAGES: Record<ConfigFormat, Language> = {
  toml: {
    parse: parseTomlText,
    append: appendToml,
    set: setToml,
    remove: removeToml,
    commented: commentedToml,
    declare: declareToml,
  },
  json: { parse: parseJsonc, append: appendJsonc, set: setJsonc, remove: removeJsonc, commented: commentedJsonc },
};

function applyProved(text: string, format: ConfigFormat, edit: ConfigEdit): string {
  const language = LANGUAGES[format];
  const expected = plain(language.parse(text)) as Table;
  const result =
    edit.op === "remove" ? remove(language, text, edit, expected) : language[edit.op](text, edit.path, edit.value);
  if (edit.op === "append") appendTo(expected, edit.path, plain(edit.value));
  if (edit.op === "set") assignTo(expected, edit.path, plain(edit.value));
  if (!isDeepStrictEqual(plain(language.parse(result)), expected)) {
    throw new TroupeError(
      "INTERNAL",
      `editing ${edit.path.join(".")} would change more of the config file than asked for`,
      {
        notes: ["Nothing was written. Make the change by hand, and please report the file that led here"],
      },
    );
  }
  return result;
}

/** Removes from the text, and from `expected` alike: the emptied lists and tables that go with it depend on their comments. */
function remove(language: Language, text: string, edit: ConfigEdit & { op: "remove" }, expected: Table): string {
  const { path, keep = 0 } = edit;
  let result = language.remove(text, path);
  removeFrom(expected, path);
  for (
    let above = path.slice(0, -1);
    above.length > keep && isEmpty(valueIn(expected, above));
    above = above.slice(0, -1)
  ) {
    const present = valueIn(plain(language.parse(result)), above) !== undefined;
    if (present && language.commented(result, above)) break;
    if (present) result = language.remove(result, above);
    removeFrom(expected, above);
  }
  const kept = path.slice(0, keep) as string[];
  if (keep > 0 && language.declare && valueIn(plain(language.parse(result)), kept) === undefined) {
    result = language.declare(result, kept);
  }
  return result;
}

type Table = Record<string | number, unknown>;

function valueIn(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner as Table | undefined)?.[key], value);
}

function assignTo(root: Table, path: readonly string[], value: unknown): void {
  let table = root;
  for (const key of path.slice(0, -1)) {
    table[key] ??= {};
    table = table[key] as Table;
  }
  table[path.at(-1)!] = value;
}

function appendTo(root: Table, path: readonly string[], value: unknown): void {
  const existing = valueIn(root, path);
  assignTo(root, path, Array.isArray(existing) ? [...existing, value] : [value]);
}

function removeFrom(root: Table, path: readonly (string | number)[]): void {
  const parent = valueIn(root, path.slice(0, -1));
  const last = path.at(-1)!;
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete (parent as Table | undefined)?.[last];
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function parseTomlText(text: string): unknown {
  try {
    return parseToml(text);
  } catch (cause) {
    throw new TroupeError("CONFIG", `not valid TOML: ${(cause as Error).message}`, { cause });
  }
}

/** Plain objects, whatever prototype the parser gives them, so that two readings can be compared. Dates stay dates. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
