/** How the tables of a troupe.toml become environments: everything is inherited, everything can be overridden. */
import { didYouMean } from "../lib/did-you-mean.ts";
import { PRODUCTION } from "../model.ts";
import type { Faults } from "./faults.ts";
import { BINDING_GROUPS, bindingListAt, SETTING_KEYS } from "./keys.ts";
import { entryName, merge } from "./merge.ts";
import { checkEnvironmentName } from "./names.ts";
import { at, emptyTable, type Sourced, type SourcedTable, without } from "./sourced.ts";
import { type FileTables, type ResolvedTree, withKnownKeys } from "./tables.ts";

/** Resolves every environment of a file, production first. */
export function resolveTroupe({ top, environments }: FileTables, faults: Faults): ResolvedTree[] {
  const own = new Map<string, SourcedTable>();
  for (const [name, table] of environments) {
    checkEnvironmentName(name, table.written, faults);
    own.set(name, withKnownKeys(table, "troupe", "environment", faults));
  }
  const resolver = new Resolver(top, own, faults);
  return [...new Set([PRODUCTION, ...own.keys()])].map((name) => resolver.resolve(name));
}

/**
 * Resolves one environment that the file may have no table for: it inherits everything then.
 * @param base what it starts from, instead of the top level
 */
export function resolveUnwritten(
  { top, environments }: FileTables,
  name: string,
  base: string | undefined,
  faults: Faults,
): ResolvedTree {
  const own = new Map(environments);
  const table = emptyTable({ ...top.written, path: ["env", name], environment: name });
  if (base !== undefined && base !== PRODUCTION) {
    const value: Sourced = { kind: "value", value: base, written: table.written, introduced: table.written };
    table.entries.set("extends", value);
  }
  own.set(name, table);
  return new Resolver(top, own, faults).resolve(name);
}

class Resolver {
  readonly #top: SourcedTable;
  readonly #own: ReadonlyMap<string, SourcedTable>;
  readonly #faults: Faults;
  readonly #resolved = new Map<string, ResolvedTree>();

  constructor(top: SourcedTable, own: ReadonlyMap<string, SourcedTable>, faults: Faults) {
    this.#top = top;
    this.#own = own;
    this.#faults = faults;
  }

  /** @param below the environments that are being resolved and extend this one */
  resolve(environment: string, below: readonly string[] = []): ResolvedTree {
    const known = this.#resolved.get(environment);
    if (known) return known;
    const own = this.#own.get(environment);
    const base = this.#base(environment, own, below);
    const tree = own ? this.#over(environment, base.tree, own) : base.tree;
    const scriptName = own?.entries.get("name");
    const resolved = {
      environment,
      tree,
      tables: own ? [...base.tables, environment] : base.tables,
      ...(scriptName && { scriptName }),
    };
    this.#resolved.set(environment, resolved);
    return resolved;
  }

  #base(
    environment: string,
    own: SourcedTable | undefined,
    below: readonly string[],
  ): Pick<ResolvedTree, "tree" | "tables"> {
    const top = { tree: this.#top, tables: [undefined] };
    const written = own?.entries.get("extends");
    if (written?.kind !== "value" || typeof written.value !== "string") return top;
    const base = written.value;
    const fail = (code: string, message: string, notes: string[] = []) => {
      this.#faults.error(code, message, written.written, { notes });
      return top;
    };
    if (environment === PRODUCTION) {
      return fail("invalid-extends", "`production` is the top level of the file; it can't extend another environment");
    }
    if (base === PRODUCTION) return this.resolve(PRODUCTION);
    if (base === environment || below.includes(base)) {
      const circle = [...below.slice(below.indexOf(base)), environment, base].join(" → ");
      return fail("extends-cycle", `Environments extend each other in a circle: ${circle}`);
    }
    if (!this.#own.has(base)) {
      const names = [...new Set([PRODUCTION, ...this.#own.keys()])].filter((name) => name !== environment);
      const guess = didYouMean(base, names);
      const notes = [...(guess ? [`did you mean "${guess}"?`] : []), `environments: ${names.join(", ")}`];
      return fail("unknown-environment", `There is no environment "${base}" to extend`, notes);
    }
    return this.resolve(base, [...below, environment]);
  }

  #over(environment: string, base: SourcedTable, own: SourcedTable): SourcedTable {
    const inherited = new Map(base.entries);
    // Production is the top level: what belongs to the top level alone belongs to it.
    if (environment !== PRODUCTION) {
      for (const [key, { own: belongs }] of Object.entries(SETTING_KEYS)) if (belongs) inherited.delete(key);
    }
    const unset = own.entries.get("unset");
    const start = this.#unset({ ...base, entries: inherited }, unset);
    return merge(start, own, bindingListAt) as SourcedTable;
  }

  #unset(base: SourcedTable, unset: Sourced | undefined): SourcedTable {
    if (unset?.kind !== "list") return base;
    let tree: Sourced = base;
    for (const item of unset.items) {
      if (item.kind !== "value" || typeof item.value !== "string") continue;
      const name = item.value;
      const paths = pathsOf(tree as SourcedTable, name);
      for (const path of paths) tree = without(tree, path);
      if (paths.length > 0) continue;
      const known = inheritedNames(base);
      const guess = didYouMean(name, known);
      const notes = guess ? [`did you mean "${guess}"?`] : [`it inherits: ${known.join(", ") || "nothing"}`];
      this.#faults.error("unset-unknown", `\`unset\` names "${name}", which is not inherited`, item.written, { notes });
    }
    return tree as SourcedTable;
  }
}

/** Where a name that `unset` gives stands: bindings first, from the last to the first, then a setting by its keys. */
function pathsOf(tree: SourcedTable, name: string): (string | number)[][] {
  const bindings = bindingPaths(tree).filter((each) => each.name === name);
  if (bindings.length > 0) return bindings.map(({ path }) => path).reverse();
  const keys = name.split(".");
  const setting = Object.hasOwn(SETTING_KEYS, keys[0]!) ? SETTING_KEYS[keys[0]!] : undefined;
  const removable = (setting?.troupe === "anywhere" && name !== "name") || BINDING_GROUPS.has(keys[0]!);
  return removable && at(tree, keys) ? [keys] : [];
}

function bindingPaths(tree: SourcedTable): { name: string; path: (string | number)[] }[] {
  return [...BINDING_GROUPS.values()].flatMap(({ places }) =>
    places.flatMap(({ key }) => {
      const node = at(tree, key.path);
      if (node?.kind === "list") {
        return node.items.flatMap((item, index) => {
          const name = entryName(item, key);
          return name === undefined ? [] : [{ name, path: [...key.path, index] }];
        });
      }
      if (node?.kind !== "table") return [];
      if (key.form === "record") return [...node.entries.keys()].map((name) => ({ name, path: [...key.path, name] }));
      const name = key.nameField === undefined ? undefined : entryName(node, key);
      return name === undefined ? [] : [{ name, path: [...key.path] }];
    }),
  );
}

function inheritedNames(tree: SourcedTable): string[] {
  return [...new Set(bindingPaths(tree).map(({ name }) => name))];
}
