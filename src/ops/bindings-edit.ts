/** Adding bindings to config files and removing them, in place. Nothing is written unless the edited config resolves. */
import { kindById, kindOf } from "../bindings/index.ts";
import type { BindingConfigKey, BindingKind } from "../bindings/kind.ts";
import type { ConfigEdit } from "../config/edit.ts";
import { locate } from "../config/index.ts";
import { type Location, TroupeError } from "../errors.ts";
import { resolveReference } from "../graph/index.ts";
import { didYouMean } from "../lib/did-you-mean.ts";
import { type Binding, type Environment, PRODUCTION, type Workspace } from "../model.ts";
import { type EditTarget, editInPlace, editTarget, writtenEnvironments } from "./edit-config.ts";
import type { Selection } from "./select.ts";

export interface BindingEdit {
  action: "added" | "removed";
  service: string;
  environment: string;
  name: string;
  kind: string;
  /** Where it stands now; for a removed one, where it stood. */
  location: Location;
  /** What was written: the entry, or the value of a variable. Absent for a removed one. */
  entry?: unknown;
  /** True when the name was taken from an environment that inherits it, by `unset`. */
  unset?: boolean;
  /** Things to know: who inherits it, what it takes the place of, what it points to that is not there. */
  notes: string[];
}

export interface AddOptions extends Selection {
  /** Id of a kind. */
  kind: string;
  /** Absent for an entry without a name. */
  name?: string | number;
  /** The entry without its name, or the value for a kind that is `NAME = value`. */
  entry: unknown;
}

/** What code can write after `env.`, as far as the network takes it. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Writes a binding into the config of one service: at the top level, or into the table of the environment named.
 * @throws TroupeError USAGE when it is not clear which service; CONFLICT when the name is bound already; CONFIG when the
 *   edited config would not resolve; NOT_FOUND for an unknown service or environment. Then nothing is written
 */
export async function addBinding(options: AddOptions): Promise<BindingEdit> {
  const kind = kindById(options.kind);
  if (!kind) throw new TroupeError("INTERNAL", `there is no binding kind ${options.kind}`);
  const key = kind.keys[0]!;
  const target = await editTarget(options);
  const { service, environment } = target;
  const name = options.name === undefined ? key.path.at(-1)! : String(options.name);
  if (options.name !== undefined && key.inEnv !== false && !NAME.test(name)) {
    throw new TroupeError("USAGE", `"${name}" can't be the name of a binding: code writes env.NAME`, {
      notes: ["A name has letters, digits and underscores, and does not begin with a digit"],
    });
  }
  const replaced = await refuseTaken(environment, kind, key, name);

  const edits = additions(key, target, options);
  const edited = await editInPlace(options, target, (_, round) => (round === 0 ? edits : []));
  const binding = edited.environment.bindings.find((each) => each.kind === kind.id && each.name === name);
  if (!binding) throw new TroupeError("INTERNAL", `${name} is not bound after it was added to ${service.configPath}`);
  return {
    action: "added",
    service: service.name,
    environment: environment.name,
    name,
    kind: kind.id,
    location: await locate(binding.written),
    entry: key.form === "record" ? binding.entry.value : binding.entry,
    notes: [
      ...(replaced ? [`It takes the place of the one that ${environment.name} inherits`] : []),
      ...missingTargets(edited.workspace, edited.environment, binding),
      ...inheritance(target, key),
    ],
  };
}

/**
 * Removes a binding from the config of one service. An environment of troupe.toml that inherits it gets its name into
 * `unset`, so that the others keep it.
 * @throws TroupeError USAGE when it is not clear which service; NOT_FOUND when nothing is bound by that name; PRECONDITION
 *   when it is inherited by rules that know no exception; CONFIG when the edited config would not resolve
 */
export async function removeBinding(options: Selection & { name: string }): Promise<BindingEdit> {
  const { name } = options;
  const target = await editTarget(options);
  const { service, environment } = target;
  const first = named(environment, name);
  if (!first) throw notBound(target, name);
  const location = await locate(first.written);
  let unset: true | undefined;
  await editInPlace(options, target, (now, round) => {
    const binding = named(now, name);
    if (!binding) return [];
    if (isOwn(binding, environment)) return [removal(binding), ...(round === 0 ? uselessUnsets(target, name) : [])];
    if (service.dialect === "wrangler") {
      throw new TroupeError("PRECONDITION", `${environment.name} inherits ${name} from the top level`, {
        location,
        notes: ["Wrangler has no way to leave it out of one environment: remove it at the top level, without --env"],
      });
    }
    // Its own entry may have gone already, and what it had taken the place of shows again.
    unset = true;
    return [{ op: "append", path: ["env", environment.name, "unset"], value: name }];
  });
  return {
    action: "removed",
    service: service.name,
    environment: environment.name,
    name,
    kind: first.kind,
    location,
    unset,
    notes: [],
  };
}

/** @returns the binding of the same kind that the environment inherits, which may be replaced */
async function refuseTaken(
  { service, name: environment, bindings }: Environment,
  kind: BindingKind,
  key: BindingConfigKey,
  name: string,
): Promise<Binding | undefined> {
  const taken = bindings.find(
    (each) => each.name === name && (each.kind === kind.id || (each.inEnv && key.inEnv !== false)),
  );
  // A table without a name (static files that the code does not see) is there to be given one.
  const single = key.form === "single" ? bindings.find((each) => each.kind === kind.id) : undefined;
  const existing = taken ?? (single?.inEnv ? single : undefined);
  if (!existing || (existing.kind === kind.id && existing.origin !== "own")) return existing;
  const what =
    existing.name === name ? `a binding ${name}` : `${kind.title} as ${existing.name}, and can have one only`;
  throw new TroupeError("CONFLICT", `${service}@${environment} has ${what} already (${kindOf(existing).title})`, {
    location: await locate(existing.written),
    notes: [`Choose another name, or remove it first: troupe bindings remove ${existing.name}`],
  });
}

function additions(
  key: BindingConfigKey,
  { section, environment }: EditTarget,
  { name, entry }: AddOptions,
): ConfigEdit[] {
  const at = [...section, ...key.path];
  if (key.form === "names") return [{ op: "append", path: at, value: name }];
  if (key.form === "record") return [{ op: "set", path: [...at, String(name)], value: entry }];
  const named = key.nameField === undefined || name === undefined ? {} : { [key.nameField]: name };
  const fields = { ...named, ...(entry as object) };
  if (key.form === "list") return [{ op: "append", path: at, value: fields }];
  const present = environment.bindings.some(({ written: { path } }) => at.every((step, index) => path[index] === step));
  if (!present) return [{ op: "set", path: at, value: fields }];
  return Object.entries(fields).map(([field, value]) => ({ op: "set", path: [...at, field], value }));
}

function removal(binding: Binding): ConfigEdit {
  const { path } = binding.written;
  const keep = path[0] === "env" ? 2 : 0;
  const key = kindOf(binding).keys.find((each) => each.path.every((step, index) => path[keep + index] === step));
  if (key?.form !== "single" || key.nameField === undefined) return { op: "remove", path, keep };
  // What goes on without its name (static files) loses only that.
  const { [key.nameField]: _, ...rest } = binding.entry;
  const goesOn = Object.keys(rest).length > 0 && key.entry.safeParse(rest).success;
  return { op: "remove", path: goesOn ? [...path, key.nameField] : path, keep };
}

/** Environments that start from this one and unset the name have nothing to unset any more. */
function uselessUnsets({ service, environment }: EditTarget, name: string): ConfigEdit[] {
  return Object.entries(writtenEnvironments(service)).flatMap(([other, table]): ConfigEdit[] => {
    const { extends: base = PRODUCTION, unset } = table;
    if (base !== environment.name || other === environment.name || !Array.isArray(unset)) return [];
    const index = unset.indexOf(name);
    return index < 0 ? [] : [{ op: "remove", path: ["env", other, "unset", index], keep: 2 }];
  });
}

/** Names in `env` first; then queues and services that it consumes. */
function named(environment: Environment, name: string): Binding | undefined {
  const found = environment.bindings.filter((binding) => binding.name === name);
  return found.find(({ inEnv }) => inEnv) ?? found[0];
}

/** Written in the environment's own table. What production writes stands at the top level, or in `[env.production]`. */
function isOwn({ written: { path, environment: by } }: Binding, environment: Environment): boolean {
  if (path[0] === "env") return path[1] === environment.name;
  return by === environment.name || environment.name === PRODUCTION || environment.name === "default";
}

function notBound({ service, environment }: EditTarget, name: string): TroupeError {
  const known = environment.bindings.map((binding) => binding.name);
  const guess = didYouMean(name, known);
  const elsewhere = Object.values(service.environments).filter((other) => other !== environment && named(other, name));
  const notes = [
    ...(guess ? [`did you mean ${guess}?`] : []),
    ...elsewhere.map((other) => `${other.name} has it: add --env ${other.name}`),
    ...(guess || elsewhere.length > 0 ? [] : [known.length > 0 ? `It binds: ${known.join(", ")}` : "It binds nothing"]),
  ];
  return new TroupeError("NOT_FOUND", `${service.name}@${environment.name} has no binding ${name}`, { notes });
}

/** A service that is not in the workspace can be bound; calls answer 503 until it is there. */
function missingTargets(workspace: Workspace, environment: Environment, binding: Binding): string[] {
  const references = kindOf(binding).references?.(binding) ?? [];
  return references.flatMap((reference) => {
    const { missing } = resolveReference(workspace, environment, reference);
    if (missing === undefined) return [];
    const services = workspace.services.map(({ name }) => name);
    const guess = services.includes(reference.service ?? "")
      ? undefined
      : didYouMean(reference.service ?? "", services);
    return [missing, ...(guess ? [`did you mean ${guess}?`] : [])];
  });
}

/** Who has it, too, and who has not: the dialects differ. */
function inheritance({ service, section }: EditTarget, key: BindingConfigKey): string[] {
  const others = Object.values(service.environments).filter(({ name }) => name !== service.defaultEnvironment);
  if (section.length > 0 || others.length === 0) return [];
  const names = others.map(({ name }) => name).join(", ");
  if (service.dialect === "troupe") return [`Inherited by ${names}`];
  if (key.inheritable) return [];
  return [`Not inherited by ${names}: in wrangler.* files, each environment writes its own (--env)`];
}
