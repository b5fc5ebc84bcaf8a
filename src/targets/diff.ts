/** What is different between two versions, in the words of a config. */
import { createHash } from "node:crypto";
import { kindOf } from "../bindings/index.ts";
import type { Binding, Environment } from "../model.ts";

export interface Difference {
  kind: "code" | "var" | "binding" | "trigger" | "secret" | "setting" | "file";
  /** "src/index.js", "GREETING", "cron", "compatibility_date"… */
  name: string;
  /** For people; never a secret's value. Absent on the side that does not have it. */
  from?: string;
  to?: string;
}

/** Everything that counts as a version's content. */
export interface Content {
  environment: Environment;
  modules: readonly { name: string; hash: string }[];
  /** Name → fingerprint. */
  secrets: Readonly<Record<string, string>>;
  files: readonly { path: string; fingerprint: string }[];
}

export interface DiffOptions {
  /** Compares two environments: that each has its own edition of a resource is then no difference. */
  acrossEnvironments?: boolean;
}

/** What a version has that another one has not, by kind. */
export function differences(before: Content | undefined, after: Content, options: DiffOptions = {}): Difference[] {
  return (["code", "var", "binding", "trigger", "secret", "setting", "file"] as const).flatMap((kind) =>
    compare(kind, before ? facts(before, options)[kind] : {}, facts(after, options)[kind]),
  );
}

/** "code", "var GREETING", "binding CACHE": short, for a line of a list. */
export function shortly(found: readonly Difference[]): string[] {
  return [...new Set(found.map(({ kind, name }) => (kind === "code" ? "code" : `${kind} ${name}`)))];
}

/** Equal for equal contents, whatever folder they were built in. The default date of a config without one is no content. */
export function fingerprintOf(content: Content): string {
  return createHash("sha256")
    .update(JSON.stringify(facts(content, {})))
    .digest("hex");
}

type Facts = Record<Difference["kind"], Record<string, string>>;

function facts({ environment, modules, secrets, files }: Content, options: DiffOptions): Facts {
  const { crons, routes, workersDev, compatibilityFlags, migrations, settings, written } = environment;
  const given: Record<string, unknown> = {
    ...(written.compatibility_date && { compatibility_date: environment.compatibilityDate }),
    ...(compatibilityFlags.length > 0 && { compatibility_flags: compatibilityFlags }),
    ...(workersDev !== undefined && { workers_dev: workersDev }),
    ...(migrations.length > 0 && { migrations }),
    ...settings,
  };
  const secret = (binding: Binding) => kindOf(binding).secret === true;
  const vars = environment.bindings.filter(({ kind }) => kind === "var");
  const others = environment.bindings.filter((binding) => binding.kind !== "var" && !secret(binding));
  return {
    code: Object.fromEntries(modules.map(({ name, hash }) => [name, hash.slice(0, 12)])),
    var: Object.fromEntries(vars.map(({ name, entry }) => [name, text(entry.value)])),
    binding: Object.fromEntries(others.map((binding) => [bindingName(binding), bindingText(binding, options)])),
    trigger: {
      ...Object.fromEntries(crons.map((cron) => [`cron ${cron}`, cron])),
      ...Object.fromEntries(routes.map((route) => [`route ${route.pattern}`, text(route)])),
    },
    secret: { ...secrets },
    setting: Object.fromEntries(Object.entries(given).map(([key, value]) => [key, text(value)])),
    file: Object.fromEntries(files.map(({ path, fingerprint }) => [path, fingerprint])),
  };
}

/** Attachments may carry a name that a binding has, too. */
function bindingName({ name, kind, inEnv }: Binding): string {
  return inEnv ? name : `${name} (${kind})`;
}

function bindingText({ kind, entry, resource, origin }: Binding, { acrossEnvironments }: DiffOptions): string {
  const own = acrossEnvironments ? (origin === "shared" ? `${resource?.name} (shared)` : resource?.name) : resource?.id;
  return text({ kind, ...entry, ...(resource && { resource: own }) });
}

/** JSON with sorted keys: the order in which a table was written is no difference. */
function text(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

function compare(
  kind: Difference["kind"],
  before: Record<string, string>,
  after: Record<string, string>,
): Difference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => {
    const from = Object.hasOwn(before, name) ? before[name] : undefined;
    const to = Object.hasOwn(after, name) ? after[name] : undefined;
    if (from === to) return [];
    return [{ kind, name, ...(from !== undefined && { from }), ...(to !== undefined && { to }) }];
  });
}
