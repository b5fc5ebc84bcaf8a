/** Config text → plain values. TOML by the file's name, else JSON with comments and trailing commas. */

import { readFile } from "node:fs/promises";
import { type ParseError, parse as parseJsonc, printParseErrorCode } from "jsonc-parser";
import { parse as parseToml, TomlError } from "smol-toml";
import { type Location, TroupeError } from "../errors.ts";
import { whyUnreadable } from "../lib/file-error.ts";
import { withoutBom } from "../lib/without-bom.ts";
import type { Faults } from "./faults.ts";
import { isTable } from "./sourced.ts";

/** A config file as it stands on disk. */
export interface ConfigFile {
  /** Absolute. */
  file: string;
  /** What the text means: tables as plain objects. Empty when the text could not be parsed. */
  raw: Record<string, unknown>;
  /** False when the text has a syntax error, which is reported already. */
  ok: boolean;
  /** True when there is nothing but blanks and comments. */
  empty: boolean;
}

/** Reads config files of one load. */
export type ReadConfig = (file: string) => Promise<ConfigFile>;

/**
 * @param texts by absolute path, what to take instead of a file's own text: for asking what an edit would mean
 */
export function configReader(faults: Faults, texts?: ReadonlyMap<string, string>): ReadConfig {
  return (file) => readConfig(file, faults, texts?.get(file));
}

/**
 * Reads one config file. A file that can't be read or parsed is reported, with the place.
 * Wrangler's rule for the byte order mark holds: UTF-8's is skipped, any other is an error.
 */
async function readConfig(file: string, faults: Faults, given: string | undefined): Promise<ConfigFile> {
  const failed: ConfigFile = { file, raw: {}, ok: false, empty: false };
  let text: string;
  try {
    text = given ?? decode(await readFile(file), file);
  } catch (error) {
    const { code, message, location } = asTroupeError(error, file);
    faults.error(code === "CONFIG" ? "encoding" : "unreadable", message, undefined, { location });
    return failed;
  }
  try {
    const value = file.endsWith(".toml") ? tomlValue(text, file) : jsoncValue(text, file);
    if (!isTable(value)) {
      const location = { file, line: 1, column: 1 };
      faults.error("wrong-type", "A config file must hold one object at its top level", undefined, { location });
      return failed;
    }
    return { file, raw: value, ok: true, empty: Object.keys(value).length === 0 };
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error;
    faults.error("syntax", error.message, undefined, { location: error.location, notes: error.notes });
    return failed;
  }
}

function decode(bytes: Buffer, file: string): string {
  const foreign = [
    ["UTF-32", [0x00, 0x00, 0xfe, 0xff]],
    ["UTF-32", [0xff, 0xfe, 0x00, 0x00]],
    ["UTF-16", [0xfe, 0xff]],
    ["UTF-16", [0xff, 0xfe]],
  ] as const;
  for (const [name, mark] of foreign) {
    if (!mark.every((byte, index) => bytes[index] === byte)) continue;
    const location = { file, line: 1, column: 1 };
    throw new TroupeError("CONFIG", `The file is encoded as ${name}; save it as UTF-8`, { location });
  }
  return withoutBom(bytes.toString("utf8"));
}

function asTroupeError(error: unknown, file: string): TroupeError {
  if (error instanceof TroupeError) return error;
  return new TroupeError("NOT_FOUND", `Cannot read ${file}: ${whyUnreadable(error)}`, {
    location: { file, line: 1, column: 1 },
  });
}

/** @throws TroupeError CONFIG with the place of the syntax error */
function tomlValue(text: string, file: string): unknown {
  try {
    const value = parseToml(text);
    dayToText(value);
    return value;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const message = error.message.split("\n")[0]!.replace("Invalid TOML document: ", "");
    const location = { file, line: error.line, column: error.column };
    const atLineEnd = text.split(/\r\n|\r|\n/)[error.line - 1]?.length === error.column - 1;
    // The parser sees the line break in the string; the person left out the quote.
    if (atLineEnd && message.startsWith("control characters")) {
      throw new TroupeError("CONFIG", "TOML syntax: the string is not closed: a quote is missing in this line", {
        location,
      });
    }
    const notes = TOML_HELP.filter(([pattern]) => pattern.test(message)).map(([, help]) => help);
    throw new TroupeError("CONFIG", `TOML syntax: ${message}`, { location, notes });
  }
}

/** What is most often behind a message of the parser. */
const TOML_HELP: [message: RegExp, help: string][] = [
  [/^invalid value/, 'text stands in "quotes"; true and false are lower case'],
  [/escape/, "a backslash in a \"string\" is written \\\\; in a 'string' it stands for itself"],
];

/**
 * TOML's own dates (`compatibility_date = 2026-11-01`, without quotes) as the text they were written as. Elsewhere they stay
 * dates, which no schema takes: what a Worker would get of them is nothing to guess at.
 */
function dayToText(table: unknown): void {
  if (!isTable(table)) return;
  if (table.compatibility_date instanceof Date) table.compatibility_date = table.compatibility_date.toISOString();
  if (isTable(table.env)) Object.values(table.env).forEach(dayToText);
}

/** @throws TroupeError CONFIG with the place of the first syntax error */
function jsoncValue(text: string, file: string): unknown {
  const errors: ParseError[] = [];
  const value: unknown = parseJsonc(text, errors, { allowTrailingComma: true, allowEmptyContent: true });
  const [first] = errors;
  if (first) {
    const words = printParseErrorCode(first.error)
      .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
      .toLowerCase();
    const location = { ...placeOf(text, first.offset), file, length: Math.max(1, first.length) };
    throw new TroupeError("CONFIG", `JSON syntax: ${words}`, { location });
  }
  return value === undefined ? {} : value;
}

/** Line and column (from 1) of an offset. */
export function placeOf(text: string, offset: number): Pick<Location, "line" | "column"> {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: before.length, column: before.at(-1)!.length + 1 };
}
