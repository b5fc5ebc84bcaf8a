/** One name, one thing in `env`. */
import type { Dialect, Written } from "../model.ts";
import type { Faults } from "./faults.ts";
import { SETTING_KEYS } from "./keys.ts";
import type { SourcedTable } from "./sourced.ts";

/** Something that takes a name. */
export interface Named {
  name: string | undefined;
  inEnv: boolean;
  /** For people: "KV namespace". */
  title: string;
  /** Where it is written, and where its name is. */
  written: Written;
  nameAt: Written;
}

interface Scope {
  dialect: Dialect;
  /** How near the table that holds something is to the environment. */
  rank(written: Written): number;
  faults: Faults;
}

/**
 * Leaves out what may not be there twice. In troupe.toml a name that a nearer table writes takes the place of an inherited
 * binding of another kind; twice in one table is a mistake. Attachments have names per kind; Wrangler lets those be written
 * twice, and no name be taken over.
 */
export function withoutDoubles<T extends Named>(all: readonly T[], globals: readonly Named[], scope: Scope): T[] {
  const byName = new Map<string, Named>(globals.map((each) => [each.name!, each]));
  const dropped = new Set<Named>();
  for (const each of all) {
    const { name, inEnv, title } = each;
    if (name === undefined || (!inEnv && scope.dialect === "wrangler")) continue;
    const id = inEnv ? name : `${title}: ${name}`;
    const other = byName.get(id);
    const difference = other && scope.dialect === "troupe" ? scope.rank(each.written) - scope.rank(other.written) : 0;
    if (!other || difference > 0) byName.set(id, each);
    if (other) dropped.add(difference > 0 ? other : each);
    if (other && difference === 0) report(each, other, scope.faults);
  }
  return all.filter((each) => !dropped.has(each));
}

function report({ name, inEnv, title, nameAt }: Named, other: Named, faults: Faults): void {
  const kinds = other.title === title ? title : `${other.title} and ${title}`;
  const message = inEnv ? `Two bindings have the name "${name}" (${kinds})` : `${title} "${name}" is written twice`;
  faults.error("duplicate-binding", message, nameAt, { notes: [{ text: "the other one is at", at: other.nameAt }] });
}

/** Globals of service-worker syntax, which are bindings of the network's as well. */
export function globalsOf(tree: SourcedTable): Named[] {
  return Object.entries(SETTING_KEYS).flatMap(([key, { names }]) => {
    const node = names ? tree.entries.get(key) : undefined;
    if (node?.kind !== "table") return [];
    return [...node.entries].map(([name, { written }]) => ({
      name,
      inEnv: true,
      title: key,
      written,
      nameAt: written,
    }));
  });
}
