/** A version that troupe did not upload, as an environment: read from what the API tells of its bindings. */
import { type Binding, type Environment, type EnvironmentRef, PRODUCTION } from "../../model.ts";
import type { NetVersion, Script } from "./network.ts";
import { bareEnvironment } from "./view.ts";

/** Type of a binding in the API → kind. What is not here is shown as `unsafe`, with the fields that it has. */
const KINDS: Record<string, string> = {
  plain_text: "var",
  json: "var",
  service: "service",
  kv_namespace: "kv",
  r2_bucket: "r2",
  d1: "d1",
  d1_database: "d1",
  queue: "queue",
  durable_object_namespace: "durable-object",
  workflow: "workflow",
  mtls_certificate: "mtls-certificate",
  ratelimit: "ratelimit",
  analytics_engine: "analytics-engine",
  hyperdrive: "hyperdrive",
  vectorize: "vectorize",
  dispatch_namespace: "dispatch-namespace",
  secrets_store_secret: "secrets-store-secret",
  send_email: "send-email",
  version_metadata: "version-metadata",
  ai: "ai",
  assets: "assets",
  browser: "browser",
  images: "images",
};

/** For showing and comparing only: it is no config that could be deployed again. */
export function foreignEnvironment(ref: EnvironmentRef, script: Script, version: NetVersion): Environment {
  const { bindings = [], script_runtime: runtime } = version.resources ?? {};
  return {
    ...bareEnvironment(ref.service, ref.environment),
    scriptName: script.id,
    compatibilityDate: runtime?.compatibility_date ?? "",
    compatibilityFlags: runtime?.compatibility_flags ?? [],
    bindings: bindings.flatMap((binding) => bindingOf(binding as Record<string, unknown> & { name: string })),
  };
}

function bindingOf({ name, type, ...fields }: Record<string, unknown> & { name: string }): Binding[] {
  const api = String(type);
  if (api.startsWith("secret_")) return [];
  const entry = api === "plain_text" ? { value: fields.text } : api === "json" ? { value: fields.json } : fields;
  const written = { file: "", path: [], environment: PRODUCTION };
  return [{ name, kind: KINDS[api] ?? "unsafe", inEnv: true, entry, origin: "own", written }];
}
