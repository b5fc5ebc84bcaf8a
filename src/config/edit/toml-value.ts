/** Values as TOML text. */
import { TroupeError } from "../../errors.ts";

const BARE_KEY = /^[A-Za-z0-9_-]+$/;

/** A key path: bare where it can be, quoted where it must. */
export function tomlKey(path: readonly string[]): string {
  return path.map((key) => (BARE_KEY.test(key) ? key : tomlString(key))).join(".");
}

/**
 * A value on one line: tables inline.
 * @throws TroupeError USAGE for null, which TOML cannot say
 */
export function tomlValue(value: unknown): string {
  if (typeof value === "string") return tomlString(value);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return tomlNumber(value);
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([key, item]) => `${tomlKey([key])} = ${tomlValue(item)}`);
    return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
  }
  throw new TroupeError("USAGE", `TOML has no ${String(value)}`, { notes: ["Leave the field out instead"] });
}

/** Basic strings of TOML know JSON's escapes; of what JSON leaves alone, only DEL must be escaped. */
function tomlString(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}

function tomlNumber(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
}
