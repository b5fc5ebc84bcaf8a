/** What `env` holds: per environment, and as one type that is right in all of them. */
import { kindOf } from "../../bindings/index.ts";
import type { Environment } from "../../model.ts";
import type { ImportTypes } from "./import-types.ts";

export interface Member {
  name: string;
  type: string;
  /** Missing in some environment. */
  optional: boolean;
  /** In `process.env`, too, when the runtime fills that. */
  processEnv: boolean;
}

export interface EnvMembers {
  /** Over all environments. */
  all: Member[];
  /** Of one environment each, in the order given. */
  each: { environment: string; members: Member[] }[];
}

export interface EnvMembersInput {
  /** The first one decides the order. */
  environments: readonly Environment[];
  types: ImportTypes;
  strictVars: boolean;
  /** Names of local variables and secrets that no binding declares, by environment name. */
  localNames: ReadonlyMap<string, readonly string[]>;
}

/** What `env` holds over all environments, and in which of them each name is there. */
export function envMembers({ environments, types, strictVars, localNames }: EnvMembersInput): EnvMembers {
  const each = environments.map((environment) => ({
    environment: environment.name,
    members: membersOf(environment, types, strictVars, localNames.get(environment.name) ?? []),
  }));
  const names = new Set(each.flatMap(({ members }) => members.map(({ name }) => name)));
  const all = [...names].map((name): Member => {
    const found = each.flatMap(({ members }) => members.filter((member) => member.name === name));
    return {
      name,
      type: union(found.map(({ type }) => type)),
      optional: found.length < each.length,
      processEnv: found.some(({ processEnv }) => processEnv),
    };
  });
  return { all, each };
}

/** Files that service-worker syntax has as globals. */
const BLOBS = { wasmModules: "WebAssembly.Module", textBlobs: "string", dataBlobs: "ArrayBuffer" } as const;

function membersOf(
  environment: Environment,
  types: ImportTypes,
  strictVars: boolean,
  local: readonly string[],
): Member[] {
  const context = { environment, strictVars, importType: types.of.bind(types, environment) };
  const members = new Map<string, Member>();
  for (const binding of environment.bindings) {
    const kind = kindOf(binding);
    const type = binding.inEnv ? kind.type(binding, context) : undefined;
    if (type === undefined) continue;
    members.set(binding.name, { name: binding.name, type, optional: false, processEnv: kind.processEnv === true });
  }
  for (const [key, type] of Object.entries(BLOBS)) {
    for (const name of Object.keys(environment.build[key as keyof typeof BLOBS])) {
      members.set(name, { name, type, optional: false, processEnv: false });
    }
  }
  for (const name of local) {
    // A local value takes the place of a variable, and of nothing else.
    const existing = members.get(name);
    if (existing && !existing.processEnv) continue;
    members.set(name, { name, type: "string", optional: false, processEnv: true });
  }
  return [...members.values()];
}

/** `"a" | "b"`; a literal beside the type it belongs to says nothing. */
function union(types: readonly string[]): string {
  const distinct = [...new Set(types)];
  const strings = distinct.includes("string");
  return distinct.filter((type) => !(strings && /^"(?:[^"\\]|\\.)*"$/.test(type))).join(" | ");
}
