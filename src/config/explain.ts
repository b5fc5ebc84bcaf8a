/** Where a value of the resolved config comes from, and what it took the place of. */
import { type Location, TroupeError } from "../errors.ts";
import { didYouMean } from "../lib/did-you-mean.ts";
import type { BindingOrigin, Environment, Resource, Service, Written } from "../model.ts";
import { walk } from "./environment.ts";
import { BINDING_GROUPS, SETTING_KEYS } from "./keys.ts";
import type { Loaded } from "./load.ts";
import { locate } from "./position.ts";
import { keysAt } from "./schema-shape.ts";
import { isTable, plain, type Sourced } from "./sourced.ts";

/** A value that something wrote. */
export interface WrittenValue {
  value: unknown;
  location: Location;
  /** The environment whose table it stands in; `production` for the top level. */
  environment: string;
}

export interface Explanation extends Partial<WrittenValue> {
  service: string;
  /** The environment it was asked for. */
  for: string;
  /** Dotted path: "vars.GREETING", "kv_namespaces.CACHE.id". */
  key: string;
  /** False for a known key that nobody wrote; `value` is then what holds instead, if there is such a thing. */
  written: boolean;
  /** True when another environment (or the top level) wrote it. */
  inherited: boolean;
  /** What it replaced, nearest first. */
  overridden: WrittenValue[];
  /** For a binding that names a resource. */
  resource?: Resource;
  origin?: BindingOrigin;
  /** What else there is to say. */
  note?: string;
}

/**
 * Explains one key of one environment. A table gives one explanation for each value in it.
 * @param key a dotted path, or the bare name of a binding
 * @throws TroupeError NOT_FOUND for a key that is neither written nor known
 */
export async function explain(loaded: Loaded, environment: Environment, key: string): Promise<Explanation[]> {
  const tree = loaded.trees.get(`${environment.service}@${environment.name}`)!;
  const nodes = [...walk(tree, [])].map(({ key: path, node }) => ({ path: path.join("."), node }));
  const path = fullPath(environment, key);
  const exact = nodes.find((each) => each.path === path);
  if (!exact)
    return [
      await explainUnwritten(
        loaded,
        environment,
        path,
        nodes.map((each) => each.path),
      ),
    ];
  const below = nodes.filter((each) => each.path.startsWith(`${path}.`));
  const leaves = below.filter((each) => !below.some((other) => other.path.startsWith(`${each.path}.`)));
  const shown = leaves.length > 0 ? leaves : [exact];
  return Promise.all(shown.map((each) => explainNode(environment, each.path, each.node)));
}

/** The bare name of a binding stands for its entry. */
function fullPath({ bindings, written }: Environment, key: string): string {
  if (written[key]) return key;
  const binding = bindings.find(({ name }) => name === key);
  const found = binding && Object.entries(written).find(([, place]) => samePlace(place, binding.written));
  return found?.[0] ?? key;
}

function samePlace(one: Written, other: Written): boolean {
  return one.file === other.file && one.path.join("\0") === other.path.join("\0");
}

async function explainNode(environment: Environment, key: string, node: Sourced): Promise<Explanation> {
  const { service, name, bindings, written } = environment;
  const binding = bindings.find((each) => {
    const entry = Object.entries(written).find(([, place]) => samePlace(place, each.written));
    return entry && (key === entry[0] || key.startsWith(`${entry[0]}.`));
  });
  return {
    service,
    for: name,
    key,
    written: true,
    ...(await writtenValue(node)),
    inherited: node.written.environment !== name,
    overridden: await Promise.all(shadows(node).map(writtenValue)),
    ...(binding?.resource && { resource: binding.resource, origin: binding.origin }),
  };
}

async function writtenValue(node: Sourced): Promise<WrittenValue> {
  return { value: plain(node), location: await locate(node.written, "key"), environment: node.written.environment };
}

function shadows(node: Sourced): Sourced[] {
  return node.shadowed ? [node.shadowed, ...shadows(node.shadowed)] : [];
}

async function explainUnwritten(
  { workspace, trees }: Loaded,
  environment: Environment,
  key: string,
  known: readonly string[],
): Promise<Explanation> {
  const { service, name } = environment;
  const base = { service, for: name, key, written: false, inherited: false, overridden: [] };
  const owner = workspace.services.find((each) => each.name === service)!;
  for (const other of Object.values(owner.environments)) {
    const place = other.written[fullPath(other, key)];
    if (!place || !trees.has(`${service}@${other.name}`)) continue;
    const where = await locate(place, "key");
    return { ...base, note: `${whyNot(owner, other, environment)}: ${where.file}:${where.line}` };
  }
  if (!isKnown(key)) {
    const guess = didYouMean(key, [
      ...known,
      ...environment.bindings.map((binding) => binding.name),
      ...Object.keys(SETTING_KEYS),
    ]);
    throw new TroupeError("NOT_FOUND", `${service}@${name} has no key "${key}"`, {
      notes: guess ? [`did you mean "${guess}"?`] : [],
    });
  }
  const value = inEffect(environment, key);
  return {
    ...base,
    ...(value !== undefined && { value }),
    note: value === undefined ? "not written" : "not written; this is the default",
  };
}

/** True for a key that there is, whether or not anything wrote it. */
function isKnown(key: string): boolean {
  const [top = "", ...below] = key.split(".");
  const setting = Object.hasOwn(SETTING_KEYS, top) ? SETTING_KEYS[top] : undefined;
  if (below.length === 0) return setting !== undefined || BINDING_GROUPS.has(top);
  return setting !== undefined && keysAt(setting.schema, below.slice(0, -1)).includes(below.at(-1)!);
}

function whyNot({ dialect }: Service, other: Environment, asked: Environment): string {
  const there = `${other.name} has it`;
  if (dialect === "wrangler") return `${there}, but Wrangler's environments do not inherit it`;
  return `${there}, but ${asked.name} does not inherit it`;
}

/** What holds for a setting that nobody wrote. */
function inEffect({ compatibilityDate, compatibilityFlags, scriptName, build }: Environment, key: string): unknown {
  const defaults: Record<string, unknown> = {
    compatibility_date: compatibilityDate,
    compatibility_flags: compatibilityFlags,
    name: scriptName,
    keep_names: build.keepNames,
    minify: build.minify,
    no_bundle: build.noBundle,
    find_additional_modules: build.findAdditionalModules,
    preserve_file_names: build.preserveFileNames,
    upload_source_maps: build.uploadSourceMaps,
    jsx_factory: build.jsxFactory,
    jsx_fragment: build.jsxFragment,
  };
  return defaults[key];
}

/** Everything written for an environment and inherited by it, in the file's own keys, once they have had their effect. */
export function resolvedConfig({ trees }: Loaded, { service, name }: Environment): Record<string, unknown> {
  const { extends: _, unset: __, ...config } = plain(trees.get(`${service}@${name}`)!) as Record<string, unknown>;
  return withoutNulls(config) as Record<string, unknown>;
}

/** JSON's null, which Wrangler takes for "not written" in places, and TOML does not have. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(withoutNulls);
  if (!isTable(value)) return value;
  const entries = Object.entries(value).filter(([, child]) => child !== null);
  return Object.fromEntries(entries.map(([key, child]) => [key, withoutNulls(child)]));
}
