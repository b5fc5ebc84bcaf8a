/** What zod found wrong, in words: names the key as it stands in the file, what it must be, and what it is. */
import type * as z from "zod";
import { didYouMean } from "../lib/did-you-mean.ts";
import type { Fault } from "./faults.ts";
import { descriptionAt, keysAt } from "./schema-shape.ts";
import { at, nearest, plain, type Sourced } from "./sourced.ts";

type Issue = z.core.$ZodIssue;

/** Issues of one value, those of unions replaced by what is wrong with the alternative that was most likely meant. */
export function flatten(issues: readonly Issue[], node: Sourced): Issue[] {
  return issues.flatMap((issue) => {
    if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
    const value = at(node, issue.path);
    const alternatives = issue.errors.map((errors) =>
      flatten(
        errors.map((error) => ({ ...error, path: [...issue.path, ...error.path] })),
        node,
      ),
    );
    const meant = alternatives.filter((errors) => !errors.some((error) => contradicts(error, issue.path)));
    // Nothing has even the right type: the issue as a whole says which types there are.
    if (meant.length === 0 || value === undefined) return [issue];
    return meant.reduce((best, errors) => (errors.length < best.length ? errors : best));
  });
}

/** True when an alternative of a union was surely not meant: another type, or another `type = "…"`. */
function contradicts(issue: Issue, unionPath: readonly PropertyKey[]): boolean {
  if (issue.path.length === unionPath.length) return issue.code === "invalid_type" || issue.code === "invalid_value";
  return issue.code === "invalid_value" && issue.values.length === 1 && issue.path.length === unionPath.length + 1;
}

/**
 * @param node the value that was checked, as far as it exists
 * @param schema what it was checked against
 */
export function faultsOf(issue: Issue, node: Sourced, schema: z.ZodType): Omit<Fault, "severity">[] {
  const { node: found, depth } = nearest(node, issue.path);
  const missing = issue.path.slice(depth);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey(key, found, keysAt(schema, issue.path)));
  }
  if (missing.length > 0) {
    // The value is merged from several places: the first is the one that introduced it.
    const where = found.introduced;
    const description = descriptionAt(schema, issue.path);
    const message = `\`${display(where.path)}\` has no \`${display(missing)}\``;
    return [
      {
        code: "missing-key",
        message,
        at: where,
        part: "key",
        ...(description && { notes: [`\`${display(missing)}\`: ${description}`] }),
      },
    ];
  }
  const value = plain(found);
  const { code, must, notes = value instanceof Date ? ["put it in quotes"] : undefined } = demand(issue, value);
  const at = found.written;
  return [{ code, message: `\`${display(at.path)}\` ${must}`, at, ...(notes && { notes }) }];
}

/** @param known the keys that there could be instead */
export function unknownKey(key: string, table: Sourced, known: readonly string[]): Omit<Fault, "severity"> {
  const child = at(table, [key]);
  const { written } = child ?? table;
  const guess = beginningWith(key, known) ?? didYouMean(key, known);
  const where = written.path.slice(0, -1);
  return {
    code: "unknown-key",
    message: where.length > 0 ? `\`${display(where)}\` has no key \`${key}\`` : `There is no key \`${key}\``,
    at: written,
    part: "key",
    notes: guess
      ? [`did you mean \`${guess}\`?`]
      : known.length > 0 && known.length <= 20
        ? [`it can have: ${known.join(", ")}`]
        : [],
  };
}

/** `kv` is `kv_namespaces`: the only key that goes on like that. */
function beginningWith(key: string, known: readonly string[]): string | undefined {
  const longer = known.filter((candidate) => candidate.startsWith(`${key}_`));
  return longer.length === 1 ? longer[0] : undefined;
}

/** What a value must be, from "must". */
function demand(issue: Issue, value: unknown): { code: string; must: string; notes?: string[] } {
  switch (issue.code) {
    case "invalid_type":
      return { code: "wrong-type", must: `must be ${withArticle(issue.expected)}, not ${named(value)}` };
    case "invalid_union": {
      const expected = issue.errors.flatMap((errors) =>
        errors.filter((error) => error.path.length === 0).map(expectation),
      );
      // JSON's null is no way to write a value, though some may be it.
      const choice = [...new Set(expected.filter((text) => text !== undefined && text !== "a null"))] as string[];
      if (choice.length === 0 || value instanceof Date)
        return { code: "invalid-value", must: `can't be ${named(value)}` };
      return { code: "wrong-type", must: `must be ${list(choice)}, not ${named(value)}` };
    }
    case "invalid_value": {
      const choices = issue.values.map(String);
      const guess = typeof value === "string" ? didYouMean(value, choices) : undefined;
      return {
        code: "invalid-value",
        must: `must be ${list(issue.values.map((choice) => JSON.stringify(choice)))}, not ${named(value)}`,
        ...(guess && { notes: [`did you mean "${guess}"?`] }),
      };
    }
    case "too_small":
      return { code: "invalid-value", must: bound(issue.origin, "least", issue.minimum, value) };
    case "too_big":
      return { code: "invalid-value", must: bound(issue.origin, "most", issue.maximum, value) };
    default: {
      const text = issue.message.replace(/^Invalid (input|string): /, "");
      return { code: "invalid-value", must: text.startsWith("must") ? text : `is not valid: ${text}` };
    }
  }
}

function bound(origin: string, side: "least" | "most", limit: number | bigint, value: unknown): string {
  if (origin === "string" && side === "least" && limit === 1) return "must not be empty";
  if (origin === "string") return `must have at ${side} ${limit} characters`;
  if (origin === "array" || origin === "set") return `must have at ${side} ${limit} element${limit === 1 ? "" : "s"}`;
  return `must be at ${side} ${limit}, not ${named(value)}`;
}

function expectation(issue: Issue): string | undefined {
  if (issue.code === "invalid_type") return withArticle(issue.expected);
  if (issue.code === "invalid_value") return issue.values.map((value) => JSON.stringify(value)).join(" or ");
  if (issue.code === "unrecognized_keys" || issue.code === "invalid_union") return "a table of another shape";
  return undefined;
}

/** Types as people call them; TOML's "table" is JSON's "object". */
function withArticle(expected: string): string {
  const names: Record<string, string> = {
    object: "a table",
    record: "a table",
    array: "a list",
    int: "a whole number",
    boolean: "true or false",
    string: "a string",
    number: "a number",
  };
  return names[expected] ?? `a ${expected}`;
}

/** A value in a few words. */
export function named(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "object") return "a table";
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  return String(value);
}

function list(choices: readonly string[]): string {
  if (choices.length < 2) return choices.join("");
  return `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
}

/** A path as people write it: `env.staging.services[0].entrypoint`. */
export function display(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => {
      if (typeof key === "number") return `[${key}]`;
      const name = /^[\w$-]+$/.test(String(key)) ? String(key) : JSON.stringify(String(key));
      return index > 0 ? `.${name}` : name;
    })
    .join("");
}
