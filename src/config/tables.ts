/** What both dialects do with one table of a file (the top level, or one `[env.X]`) before anything is merged. */
import type { Dialect, Written } from "../model.ts";
import type { Faults } from "./faults.ts";
import { display, named, unknownKey } from "./issues.ts";
import { knownKeys, nullable, placing, REMOVED_KEYS, SETTING_KEYS } from "./keys.ts";
import { plain, type Sourced, type SourcedTable, sourced } from "./sourced.ts";

/** The tree of one environment of one service, everything inherited; not yet checked against schemas. */
export interface ResolvedTree {
  environment: string;
  tree: SourcedTable;
  /** The tables it is made of, the one merged in last at the end; undefined is the top level. */
  tables: (string | undefined)[];
  /** `[env.X] name` as written. */
  scriptName?: Sourced;
}

export interface FileTables {
  top: SourcedTable;
  /** By name, in the order written. */
  environments: Map<string, SourcedTable>;
}

/** Splits a file into its tables, without the keys that its dialect does not know, which are reported. */
export function tablesOf(raw: Record<string, unknown>, written: Written, dialect: Dialect, faults: Faults): FileTables {
  const all = sourced(raw, written) as SourcedTable;
  const top = withKnownKeys(all, dialect, "top-level", faults);
  const environments = new Map<string, SourcedTable>();
  const env = top.entries.get("env");
  top.entries.delete("env");
  if (env === undefined) return { top, environments };
  if (env.kind !== "table") {
    faults.error("wrong-type", `\`env\` must be a table, not ${named(plain(env))}`, env.written);
    return { top, environments };
  }
  for (const [name, table] of env.entries) {
    if (table.kind !== "table") {
      const message = `\`${display(table.written.path)}\` must be a table, not ${named(plain(table))}`;
      faults.error("wrong-type", message, table.written);
      continue;
    }
    const own = sourced(plain(table), { ...table.written, environment: name }) as SourcedTable;
    environments.set(name, own);
  }
  return { top, environments };
}

/** A table without its unknown keys. */
export function withKnownKeys(
  table: SourcedTable,
  dialect: Dialect,
  level: "top-level" | "environment",
  faults: Faults,
): SourcedTable {
  const entries = new Map<string, Sourced>();
  for (const [key, node] of table.entries) {
    const place = placing(key, dialect, level);
    if (Object.hasOwn(REMOVED_KEYS, key)) {
      const message = `\`${display(node.written.path)}\` is no longer supported`;
      faults.error("removed-key", message, node.written, { part: "key", notes: [REMOVED_KEYS[key]!] });
    } else if (place === "known") {
      if (dialect === "troupe" || !countsAsUnwritten(key, node, faults)) entries.set(key, node);
    } else {
      const severity = dialect === "wrangler" ? "warning" : "error";
      const notes = hint(key, dialect, level, place);
      const fault = unknownKey(key, table, knownKeys(dialect, level));
      faults.add({ severity, ...fault, ...(notes && { notes }) });
    }
  }
  return { ...table, entries };
}

/** Values that Wrangler takes for "not written", or as good as. */
function countsAsUnwritten(key: string, node: Sourced, faults: Faults): boolean {
  if (node.kind !== "value") return false;
  if (node.value === null) return nullable(key);
  if (node.value !== "" || !SETTING_KEYS[key]?.emptyIgnored) return false;
  faults.warning(
    "empty-value",
    `\`${display(node.written.path)}\` is empty, which counts as not written`,
    node.written,
  );
  return true;
}

/** Better than "did you mean": what is known of a key that is not known here. */
function hint(
  key: string,
  dialect: Dialect,
  level: "top-level" | "environment",
  place: "elsewhere" | "unknown",
): string[] | undefined {
  if (place === "elsewhere") {
    return level === "environment"
      ? [`\`${key}\` stands at the top level of the file only`]
      : [`\`${key}\` belongs to one environment: write it below [env.NAME]`];
  }
  const setting = Object.hasOwn(SETTING_KEYS, key) ? SETTING_KEYS[key]! : undefined;
  if (!setting) return undefined;
  if (dialect === "wrangler") return [`\`${key}\` is a key of troupe.toml`];
  return key === "site" ? ["Workers Sites are not supported: use `[assets]`"] : [`\`${key}\` is for Wrangler only`];
}
