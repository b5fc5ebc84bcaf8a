/**
 * Every key of a config file that is no binding, in one table: its schema, and who inherits it. The keys of bindings come
 * from the list of kinds (bindings/index.ts). Nothing else in troupe knows the names of settings' scopes.
 */
import * as z from "zod";
import { BINDING_KEYS, BINDING_KINDS } from "../bindings/index.ts";
import type { BindingConfigKey, BindingKind, BindingSetting } from "../bindings/kind.ts";
import type { Dialect } from "../model.ts";
import * as schemas from "./key-schemas.ts";

export interface SettingKey {
  schema: z.ZodType;
  description: string;
  /**
   * Wrangler's class: once per file · `[env.X]` has it unless it writes its own · each environment must write it.
   * Absent: no key of Wrangler's.
   */
  wrangler?: "top-level" | "inheritable" | "separate";
  /** Where troupe.toml takes it. Absent: nowhere. */
  troupe?: "anywhere" | "top-level" | "environment";
  /** Belongs to the environment that wrote it, also in troupe.toml. */
  own?: boolean;
  /** Wrangler takes `null` for "not written" (elsewhere it is an error). */
  nullable?: boolean;
  /** Its own keys are names in `env`. */
  names?: boolean;
  /** Wrangler takes an empty string for "not written", with a warning. */
  emptyIgnored?: boolean;
  /** Has a place of its own in the model; everything else is kept in `Environment.settings`. */
  modelled?: boolean;
}

const text = z.string();
const flag = z.boolean();
const texts = z.array(z.string());
const named = z.record(z.string(), z.string());

/** A key that both dialects inherit. */
function inherited(schema: z.ZodType, description: string, more: Partial<SettingKey> = {}): SettingKey {
  return { schema, description, wrangler: "inheritable", troupe: "anywhere", ...more };
}

/** A key that Wrangler knows once per file, and troupe.toml in every environment. */
function once(schema: z.ZodType, description: string, more: Partial<SettingKey> = {}): SettingKey {
  return { schema, description, wrangler: "top-level", troupe: "anywhere", ...more };
}

const modelled = { modelled: true } as const;

export const SETTING_KEYS: Readonly<Record<string, SettingKey>> = {
  $schema: once(text, "The JSON Schema of this file, for editors.", { troupe: "top-level", ...modelled }),
  name: inherited(text, "The service's name. In an environment: the script's name on Cloudflare's network.", modelled),
  main: inherited(text.min(1), "The entry file.", modelled),
  compatibility_date: inherited(schemas.day, "The day whose runtime behaviour the code relies on.", modelled),
  compatibility_flags: inherited(texts, "Runtime behaviour switched on or off by name.", modelled),
  workspace: {
    schema: schemas.workspace,
    description: "The services of this folder tree.",
    troupe: "top-level",
    ...modelled,
  },
  pipeline: {
    schema: schemas.pipeline,
    description: "How environments follow one another in promotion.",
    troupe: "top-level",
    ...modelled,
  },
  env: {
    schema: z.record(z.string(), z.record(z.string(), z.unknown())),
    description: "Environments, by name.",
    wrangler: "top-level",
    troupe: "top-level",
    nullable: true,
    ...modelled,
  },
  extends: {
    schema: text,
    description: "The environment to start from, instead of the top level.",
    troupe: "environment",
    own: true,
    ...modelled,
  },
  unset: {
    schema: texts,
    description: "Inherited bindings, variables or settings that this environment does not have.",
    troupe: "environment",
    own: true,
    ...modelled,
  },
  protected: {
    schema: flag,
    description: "True: accepts promotions only, no direct deploy.",
    troupe: "environment",
    own: true,
    ...modelled,
  },

  route: inherited(schemas.route, "One route on Cloudflare's network.", {
    own: true,
    emptyIgnored: true,
    ...modelled,
  }),
  routes: inherited(z.array(schemas.route), "Routes and custom domains on Cloudflare's network.", {
    own: true,
    ...modelled,
  }),
  workers_dev: inherited(flag, "False: no hostname of its own, reachable only through routes and bindings.", modelled),
  preview_urls: inherited(flag, "Whether versions have preview URLs on Cloudflare's network."),
  triggers: inherited(schemas.triggers, "What runs the service besides requests.", { nullable: true }),
  account_id: inherited(text, "The Cloudflare account to deploy to.", { emptyIgnored: true }),

  migrations: inherited(z.array(schemas.migration), "The history of Durable Object classes.", {
    nullable: true,
    ...modelled,
  }),
  exports: inherited(schemas.exportsTable, "What the code exports, by class name: the successor of `migrations`.", {
    nullable: true,
  }),
  limits: inherited(schemas.limits, "Limits of one invocation.", { nullable: true }),
  placement: inherited(schemas.placement, "Where the code runs on Cloudflare's network."),
  observability: inherited(schemas.observability, "Logs and traces kept by Cloudflare's network."),
  logpush: inherited(flag, "Whether logs are pushed on Cloudflare's network."),
  access: inherited(schemas.access, "Cloudflare Access."),
  cache: inherited(schemas.cache, "The cache in front of the service on Cloudflare's network."),
  compliance_region: inherited(z.enum(["public", "fedramp_high"]), "The region of Cloudflare's API to deploy to."),
  first_party_worker: inherited(flag, "For Cloudflare's own use."),
  previews: inherited(z.record(z.string(), z.unknown()), "Settings of preview deployments on Cloudflare's network."),

  build: inherited(schemas.build, "A command that runs before bundling.", { nullable: true, ...modelled }),
  rules: inherited(z.array(schemas.rule), "Which files are modules of which type.", { nullable: true, ...modelled }),
  base_dir: inherited(text, "The folder that module names are relative to.", modelled),
  find_additional_modules: inherited(flag, "Whether files that no import names become modules.", modelled),
  preserve_file_names: inherited(flag, "Whether modules keep their file names.", modelled),
  no_bundle: inherited(flag, "True: files are taken as they are.", modelled),
  minify: inherited(flag, "Whether the code is minified.", modelled),
  keep_names: inherited(flag, "Whether functions keep their names (`name`) when bundled. Default true.", modelled),
  tsconfig: inherited(text, "The tsconfig file for bundling.", modelled),
  jsx_factory: inherited(text, "The function that JSX elements become.", modelled),
  jsx_fragment: inherited(text, "What JSX fragments become.", modelled),
  upload_source_maps: inherited(flag, "Whether source maps go with a deployment.", modelled),
  python_modules: inherited(schemas.pythonModules, "Python packages that are bundled."),
  define: {
    schema: named,
    description: "Names in the code that are replaced by the given JavaScript.",
    wrangler: "separate",
    troupe: "anywhere",
    ...modelled,
  },
  alias: once(named, "Modules that stand in for others.", modelled),
  wasm_modules: once(named, "WebAssembly files as globals, for service-worker syntax.", { names: true, ...modelled }),
  text_blobs: once(named, "Text files as globals, for service-worker syntax.", { names: true, ...modelled }),
  data_blobs: once(named, "Binary files as globals, for service-worker syntax.", { names: true, ...modelled }),

  keep_vars: once(flag, "Whether variables set on Cloudflare's dashboard survive a deployment."),
  addresses: once(texts, "Email addresses that lead to the service."),
  dev: once(schemas.dev, "Wrangler's settings for local development.", { nullable: true }),
  send_metrics: once(flag, "Whether Wrangler may send usage data; troupe sends none."),
  dependencies_instrumentation: once(schemas.dependenciesInstrumentation, "Wrangler's report on dependencies."),
  site: once(schemas.site, "Workers Sites, which static assets have replaced.", { troupe: undefined }),
  pages_build_output_dir: once(text, "The build output of a Pages project.", { troupe: undefined }),
};

/** Keys that Wrangler had once: an error there and here, with what to write instead. */
export const REMOVED_KEYS: Readonly<Record<string, string>> = {
  legacy_env: "Remove it: every environment is a script of its own, as with `legacy_env = true`.",
  node_compat: 'Remove it and write `compatibility_flags = ["nodejs_compat"]`.',
};

/** A top-level key that holds bindings, with every place below it. */
export interface BindingGroup {
  inheritable: boolean;
  places: { kind: BindingKind; key: BindingConfigKey }[];
  settings: BindingSetting[];
}

export const BINDING_GROUPS: ReadonlyMap<string, BindingGroup> = groupBindings();

function groupBindings(): Map<string, BindingGroup> {
  const groups = new Map<string, BindingGroup>();
  const group = (name: string) => {
    const known = groups.get(name) ?? { inheritable: false, places: [], settings: [] };
    groups.set(name, known);
    return known;
  };
  for (const { kind, key } of BINDING_KEYS) {
    const found = group(key.path[0]!);
    found.places.push({ kind, key });
    found.inheritable ||= key.inheritable === true;
  }
  for (const setting of BINDING_KINDS.flatMap((kind) => kind.settings ?? [])) {
    group(setting.path[0]!).settings.push(setting);
  }
  return groups;
}

const listKeys = new Map(
  BINDING_KEYS.filter(({ key }) => key.form === "list" || key.form === "names").map(({ key }) => [
    key.path.join("."),
    key,
  ]),
);

/** The key of the binding list that stands at a path below an environment's table. */
export function bindingListAt(path: readonly string[]): BindingConfigKey | undefined {
  return listKeys.get(path.join("."));
}

/** True where Wrangler takes `null` for "not written": some settings, and lists of attachments. */
export function nullable(key: string): boolean {
  const group = BINDING_GROUPS.get(key);
  if (!group) return SETTING_KEYS[key]?.nullable === true;
  return group.places.every(
    ({ key: place }) => place.form === "list" && place.inEnv === false && place.path.length === 1,
  );
}

/** What a dialect makes of a top-level key, at the top level or in `[env.X]`. */
export function placing(
  key: string,
  dialect: Dialect,
  level: "top-level" | "environment",
): "known" | "elsewhere" | "unknown" {
  if (BINDING_GROUPS.has(key)) return "known";
  const setting = Object.hasOwn(SETTING_KEYS, key) ? SETTING_KEYS[key] : undefined;
  if (!setting?.[dialect]) return "unknown";
  const allowed =
    dialect === "wrangler"
      ? level === "top-level" || setting.wrangler !== "top-level"
      : setting.troupe === "anywhere" || setting.troupe === level;
  return allowed ? "known" : "elsewhere";
}

/** The names that a dialect takes at a level, for "did you mean". */
export function knownKeys(dialect: Dialect, level: "top-level" | "environment"): string[] {
  const settings = Object.keys(SETTING_KEYS).filter((key) => placing(key, dialect, level) === "known");
  return [...settings, ...BINDING_GROUPS.keys()];
}
