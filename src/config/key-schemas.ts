/**
 * Schemas of the settings whose values have a shape. What each means on Cloudflare's network:
 * https://developers.cloudflare.com/workers/wrangler/configuration/
 */
import * as z from "zod";

const strings = z.array(z.string());
const rate = z.number().min(0).max(1).optional();

/** A calendar day; TOML's own dates have become text by now. */
export const day = z.string().refine(isDay, "must be a day, written as YYYY-MM-DD");

function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text) === true;
}

export const route = z.union([
  z.string().min(1),
  z.strictObject({
    pattern: z.string().min(1).describe("What the route matches, or the domain itself."),
    zone_id: z.string().optional(),
    zone_name: z.string().optional(),
    custom_domain: z.boolean().optional().describe("True: the pattern is a domain that belongs to the service whole."),
    enabled: z.boolean().optional(),
    previews_enabled: z.boolean().optional(),
  }),
]);

export const rule = z.strictObject({
  type: z.enum(["ESModule", "CommonJS", "CompiledWasm", "Text", "Data", "PythonModule", "PythonRequirement"]),
  globs: strings,
  fallthrough: z.boolean().optional(),
});

export const build = z.strictObject({
  command: z.string().optional().describe("A shell command that runs before bundling."),
  cwd: z.string().optional().describe("Where it runs; default: the config's folder."),
  watch_dir: z.union([z.string(), strings]).optional().describe("Folders whose changes run it again; default ./src."),
});

export const migration = z.strictObject({
  tag: z.string().min(1).describe("The step's name; once deployed it stays."),
  new_classes: strings.optional(),
  new_sqlite_classes: strings.optional(),
  renamed_classes: z.array(z.strictObject({ from: z.string(), to: z.string() })).optional(),
  deleted_classes: strings.optional(),
  transferred_classes: z
    .array(z.strictObject({ from: z.string(), from_script: z.string(), to: z.string() }))
    .optional(),
});

const storage = z.enum(["sqlite", "legacy-kv"]);
const durableObject = z.literal("durable-object");
const retention = z.union([z.number(), z.string()]).optional();

const exported = z.union([
  z.strictObject({
    type: durableObject,
    state: z.literal("created").optional(),
    storage,
    container: z.string().optional(),
  }),
  z.strictObject({ type: durableObject, state: z.literal("deleted") }),
  z.strictObject({ type: durableObject, state: z.literal("renamed"), renamed_to: z.string().min(1) }),
  z.strictObject({ type: durableObject, state: z.literal("transferred"), transferred_to: z.string().min(1) }),
  z.strictObject({
    type: durableObject,
    state: z.literal("expecting-transfer"),
    storage,
    transfer_from: z.string().min(1),
    container: z.string().optional(),
  }),
  z.strictObject({ type: z.literal("worker"), cache: z.strictObject({ enabled: z.boolean() }).optional() }),
  z.strictObject({
    type: z.literal("workflow"),
    name: z.string(),
    limits: z.strictObject({ steps: z.number().optional() }).optional(),
    concurrency: z.strictObject({ limit: z.number().optional() }).optional(),
    schedules: z.union([z.string(), strings]).optional(),
    default_retention: z.strictObject({ success_retention: retention, error_retention: retention }).optional(),
    jurisdiction: z.string().optional(),
  }),
]);

export const exportsTable = z.record(z.string().min(1), exported);

const event = z.strictObject({
  type: z.string(),
  filter: z.strictObject({ namespace: z.string().optional(), repo_name: z.string().optional() }).optional(),
  targets: z.array(z.strictObject({ type: z.literal("workflow"), workflow_name: z.string() })),
});

export const triggers = z.strictObject({
  crons: strings.optional().describe("Cron expressions (UTC) at which the `scheduled` handler runs."),
  events: z.array(event).optional(),
});

export const limits = z.strictObject({ cpu_ms: z.number().optional(), subrequests: z.number().optional() });

export const placement = z.union([
  z.strictObject({ mode: z.enum(["off", "smart"]), hint: z.string().optional() }),
  z.strictObject({ mode: z.literal("targeted").optional(), region: z.string().min(1) }),
  z.strictObject({ mode: z.literal("targeted").optional(), host: z.string().min(1) }),
  z.strictObject({ mode: z.literal("targeted").optional(), hostname: z.string().min(1) }),
]);

const channel = {
  enabled: z.boolean().optional(),
  head_sampling_rate: rate,
  persist: z.boolean().optional(),
  destinations: strings.optional(),
};

export const observability = z
  .strictObject({
    enabled: z.boolean().optional(),
    head_sampling_rate: rate,
    redact_query_string: z.boolean().optional(),
    issues: z.strictObject({ enabled: z.boolean().optional() }).optional(),
    logs: z.strictObject({ ...channel, invocation_logs: z.boolean().optional() }).optional(),
    traces: z.strictObject(channel).optional(),
  })
  .refine(
    ({ enabled, logs, traces, issues }) =>
      [enabled, logs?.enabled, traces?.enabled, issues?.enabled].some((on) => on !== undefined),
    {
      error: "must say `enabled`, itself or for its logs, traces or issues",
      // A mistyped `enabled` is one mistake, not two.
      when: ({ issues }) => issues.length === 0,
    },
  );

export const access = z.strictObject({
  dev: z.strictObject({ aud: z.string(), identity: z.record(z.string(), z.unknown()).optional() }).optional(),
});

export const cache = z.strictObject({ enabled: z.boolean(), cross_version_cache: z.boolean().optional() });

export const pythonModules = z.strictObject({ exclude: strings.optional() });

export const site = z.strictObject({
  bucket: z.string(),
  "entry-point": z.string().optional(),
  include: strings.optional(),
  exclude: strings.optional(),
});

export const dependenciesInstrumentation = z.strictObject({
  enabled: z.boolean().optional(),
  exclude_packages: strings.optional(),
});

const protocol = z.enum(["http", "https"]).optional();

export const dev = z.strictObject({
  ip: z.string().optional(),
  port: z.number().optional(),
  inspector_port: z.number().optional(),
  inspector_ip: z.string().optional(),
  local_protocol: protocol,
  upstream_protocol: protocol,
  host: z.string().optional(),
  enable_containers: z.boolean().optional(),
  container_engine: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  generate_types: z.boolean().optional(),
});

export const workspace = z.strictObject({
  members: z
    .array(z.string().min(1))
    .describe('Folders that hold a service\'s config, as paths or patterns ("services/*"); "!…" takes some out.'),
  services: z
    .record(z.string(), z.record(z.string(), z.string().min(1)))
    .describe("Services whose environments have config files of their own: name, environment, file.")
    .optional(),
});

export const pipeline = z.strictObject({
  stages: z
    .array(z.string().min(1))
    .min(1)
    .describe("Environments in the order in which versions are promoted through them."),
});
