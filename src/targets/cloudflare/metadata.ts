/** A resolved environment as the metadata of an upload, field for field what Wrangler sends (test/cloudflare compares). */
import { createHash } from "node:crypto";
import { kindOf } from "../../bindings/index.ts";
import type { UploadContext } from "../../bindings/kind.ts";
import type { Binding, Bundle, Environment } from "../../model.ts";
import { type Rules, withRules } from "./assets.ts";
import { bundleMetadata, type Metadata } from "./form.ts";
import { resourceName } from "./names.ts";
import { ownWorkflows } from "./workflows.ts";

/** Secrets that stay, where not simply all of the newest version's do. */
export interface KeptSecrets {
  names: readonly string[];
  /** Id of the version that has them. */
  version: string;
}

export interface MetadataOptions {
  context: UploadContext;
  /** Secrets to set that the config does not name. */
  secrets?: Readonly<Record<string, string>>;
  /** Default: all of the newest version's. */
  kept?: KeptSecrets;
  /** Of all that it will have: a variable of such a name yields, as everywhere. */
  secretNames?: ReadonlySet<string>;
  /** The token for having uploaded the static assets. */
  assetsToken?: string;
  /** `_headers` and `_redirects` of the static assets. Default: those in the folder. */
  assetRules?: Rules;
  migrations?: Record<string, unknown>;
  annotations?: Record<string, string>;
  /** Leaves bindings out: what they point to does not exist yet. */
  leaveOut?(binding: Binding): boolean;
  /** Of an upload that goes live at once; a version gets it when it is deployed. */
  live?: boolean;
}

/** Secrets that the config does not mention stay: nothing but `troupe secret delete` takes one away. */
const KEPT = ["secret_text", "secret_key"];

/** @returns the JSON of the `metadata` part: https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/ */
export function uploadMetadata(
  environment: Environment,
  bundle: Bundle,
  options: MetadataOptions,
): Record<string, unknown> {
  const { context, annotations, assetsToken, assetRules, secretNames, leaveOut = () => false } = options;
  const yields = ({ kind, name }: Binding) => kind === "var" && secretNames?.has(name) === true;
  const bindings = environment.bindings.filter((binding) => !leaveOut(binding) && !yields(binding));
  const beside = bindings.map((binding) => kindOf(binding).uploadMetadata?.(binding, context) ?? {}).reduce(merged, {});
  if (beside.assets && assetRules) {
    const assets = beside.assets as { config?: Record<string, unknown> };
    beside.assets = { ...assets, config: withRules(assets.config ?? {}, assetRules) };
  }
  if (beside.assets && assetsToken !== undefined) {
    beside.assets = { ...(beside.assets as object), jwt: assetsToken };
  }
  const compatibility = {
    compatibility_date: environment.compatibilityDate,
    compatibility_flags: environment.compatibilityFlags,
  };
  if (environment.main === undefined) {
    return { ...beside, ...compatibility, ...(annotations && { annotations }) };
  }
  const { settings } = environment;
  const own: Metadata = bundleMetadata(bundle);
  const placement = placementOf(settings.placement);
  return {
    ...own,
    ...compatibility,
    bindings: [...envBindings(bindings, options), ...own.bindings],
    keep_bindings: [...(settings.keep_vars === true ? ["plain_text", "json"] : []), ...(options.kept ? [] : KEPT)],
    ...(options.migrations && { migrations: options.migrations }),
    ...(options.live && { code_update_strategy: updateStrategy(environment) }),
    ...(settings.exports !== undefined && { exports: settings.exports }),
    ...(settings.logpush !== undefined && { logpush: settings.logpush }),
    ...(placement && { placement }),
    ...(settings.limits !== undefined && { limits: settings.limits }),
    ...(settings.observability !== undefined && { observability: settings.observability }),
    ...(settings.cache !== undefined && { cache_options: settings.cache }),
    ...beside,
    ...(annotations && { annotations }),
    ...(settings.unsafe as { metadata?: Record<string, unknown> } | undefined)?.metadata,
  };
}

function envBindings(
  bindings: readonly Binding[],
  { context, secrets = {}, kept }: MetadataOptions,
): Record<string, unknown>[] {
  const written = bindings.flatMap((binding): Record<string, unknown>[] => {
    const made = kindOf(binding).upload(binding, context);
    return made ? [made] : [];
  });
  const names = new Set(written.map(({ name }) => name));
  const others = Object.entries(secrets).filter(([name]) => !names.has(name));
  const inherited = (kept?.names ?? []).filter((name) => !names.has(name) && !Object.hasOwn(secrets, name));
  return [
    ...written.map((binding) =>
      kept && binding.type === "inherit" ? { ...binding, version_id: kept.version } : binding,
    ),
    ...others.map(([name, text]) => ({ name, type: "secret_text", text })),
    ...inherited.map((name) => ({ name, type: "inherit", version_id: kept!.version })),
  ];
}

/** Lists are joined, tables merged. */
function merged(into: Record<string, unknown>, from: Record<string, unknown>): Record<string, unknown> {
  const result = { ...into };
  for (const [key, value] of Object.entries(from)) {
    const before = result[key];
    if (Array.isArray(before) && Array.isArray(value)) result[key] = [...before, ...value];
    else if (isTable(before) && isTable(value)) result[key] = { ...before, ...value };
    else result[key] = value;
  }
  return result;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** https://developers.cloudflare.com/workers/configuration/placement/ */
function placementOf(written: unknown): Record<string, unknown> | undefined {
  if (!isTable(written)) return undefined;
  const { mode, hint, region, host, hostname } = written;
  if (hint !== undefined || mode === "smart") return { mode: "smart", ...(hint !== undefined && { hint }) };
  if (mode === "off") return undefined;
  if (region !== undefined) return { mode: "targeted", region };
  if (host !== undefined) return { mode: "targeted", host };
  return hostname === undefined ? undefined : { mode: "targeted", hostname };
}

/** How running Durable Objects get new code. Wrangler's defaults, which it sends with every deployment. */
export function updateStrategy({ settings }: Environment): Record<string, unknown> {
  const unsafe = (settings.unsafe as { metadata?: Record<string, unknown> } | undefined)?.metadata;
  if (unsafe?.code_update_strategy !== undefined) return unsafe.code_update_strategy as Record<string, unknown>;
  const written = (
    settings.durable_objects as { code_update_strategy?: { mode?: string; max_delay?: number } } | undefined
  )?.code_update_strategy;
  const { mode = "deferred", max_delay = 300 } = written ?? {};
  return mode === "immediate" ? { mode } : { mode, max_delay };
}

/** What a Workflow that is declared in `exports` asks of the API. */
export function uploadHeaders({ settings }: Environment): Record<string, string> | undefined {
  const declared = Object.values((settings.exports ?? {}) as Record<string, { type?: string }>);
  if (!declared.some(({ type }) => type === "workflow")) return undefined;
  return { "Cloudflare-Workers-Script-Api-Date": "2026-11-09" };
}

/**
 * Equal for uploads that would make equal versions. The default date of a config without one is no difference, nor are
 * tokens and annotations.
 * @param assets path → hash of the static assets
 */
export function uploadFingerprint(
  environment: Environment,
  bundle: Bundle,
  metadata: Record<string, unknown>,
  assets: Readonly<Record<string, { hash: string }>> = {},
): string {
  const { annotations: _, compatibility_date, assets: assetsPart, migrations: __, ...rest } = metadata;
  const content = {
    ...rest,
    ...(environment.written.compatibility_date && { compatibility_date }),
    ...(assetsPart !== undefined && { assets: (assetsPart as { config?: unknown }).config }),
    around: aroundContent(environment),
    files: Object.entries(assets).map(([path, { hash }]) => [path, hash]),
    code: environment.main === undefined ? "" : bundle.contentHash,
  };
  return createHash("sha256").update(stable(content)).digest("hex").slice(0, 32);
}

/** What is no part of the upload, but of the version all the same: it comes back with it. */
function aroundContent(environment: Environment): Record<string, unknown> {
  const { crons, routes, workersDev, settings, bindings } = environment;
  const consumers = bindings.filter(({ kind }) => kind === "queue-consumer");
  return {
    crons: [...crons].sort(),
    routes: routes.map(stable).sort(),
    workersDev: workersDev ?? routes.length === 0,
    ...(settings.preview_urls !== undefined && { previews: settings.preview_urls }),
    consumers: consumers.map(({ entry, resource }) => stable([resource && resourceName(resource), entry])).sort(),
    workflows: ownWorkflows(environment).map(stable).sort(),
  };
}

/** JSON with sorted keys; bindings, too, have no order. */
export function stable(value: unknown): string {
  return JSON.stringify(value, (key, each: unknown) => {
    if (key === "bindings" || key === "files") return [...(each as unknown[])].map((one) => JSON.stringify(one)).sort();
    if (!isTable(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
