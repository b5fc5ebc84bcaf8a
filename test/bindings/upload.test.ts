/** What each binding becomes on Cloudflare's network, in TypeScript, and in words. */
import { expect, test } from "vitest";
import { BINDING_KINDS, kindOf } from "../../src/bindings/index.ts";
import type { Reference, TypeContext, UploadContext } from "../../src/bindings/kind.ts";
import type { Binding, Environment } from "../../src/model.ts";
import { bindingOf, environmentOf } from "./support.ts";

/** config → upload metadata (besides the name, which is B everywhere), type, words. */
const KINDS: [config: Record<string, unknown>, upload: object | undefined, type: string | undefined, words: string][] =
  [
    [
      { services: [{ binding: "B", service: "auth" }] },
      { type: "service", service: "auth-script" },
      'Service<typeof import("auth").default>',
      "auth",
    ],
    [
      {
        services: [
          {
            binding: "B",
            service: "auth",
            environment: "staging",
            entrypoint: "Verifier",
            props: { a: 1 },
            remote: true,
          },
        ],
      },
      { type: "service", service: "auth-script-staging", entrypoint: "Verifier", props: { a: 1 } },
      'Service<typeof import("auth").Verifier>',
      "auth@staging (Verifier)",
    ],
    [
      { services: [{ binding: "B", service: "unknown" }] },
      { type: "service", service: "unknown-script" },
      "Fetcher",
      "unknown",
    ],
    [{ vars: { B: "text" } }, { type: "plain_text", text: "text" }, '"text"', '"text"'],
    [{ vars: { B: { a: [1] } } }, { type: "json", json: { a: [1] } }, '{"a":[1]}', '{"a":[1]}'],
    [{ vars: { B: 5 } }, { type: "json", json: 5 }, "5", "5"],
    [
      { vars: { B: "x".repeat(80) } },
      { type: "plain_text", text: "x".repeat(80) },
      `"${"x".repeat(80)}"`,
      `"${"x".repeat(58)}…`,
    ],
    [{ secrets: { required: ["B"] } }, { type: "secret_text", text: "hidden" }, "string", "required"],
    [
      { kv_namespaces: [{ binding: "B", id: "cache" }] },
      { type: "kv_namespace", namespace_id: "<cache>" },
      "KVNamespace",
      "cache",
    ],
    [
      { kv_namespaces: [{ binding: "B" }] },
      { type: "kv_namespace", namespace_id: "<shop/B>" },
      "KVNamespace",
      "shop/B",
    ],
    [
      { r2_buckets: [{ binding: "B", bucket_name: "files", jurisdiction: "eu" }] },
      { type: "r2_bucket", bucket_name: "<files>", jurisdiction: "eu" },
      "R2Bucket",
      "files",
    ],
    [
      { d1_databases: [{ binding: "B", database_id: "x", database_name: "shop" }] },
      { type: "d1", id: "<x>" },
      "D1Database",
      "shop",
    ],
    [
      { queues: { producers: [{ binding: "B", queue: "jobs", delivery_delay: 5 }] } },
      { type: "queue", queue_name: "<jobs>", delivery_delay: 5 },
      "Queue",
      "jobs",
    ],
    [
      { queues: { consumers: [{ queue: "B", dead_letter_queue: "dead" }] } },
      undefined,
      undefined,
      "receives B, dead letters to dead",
    ],
    [
      { durable_objects: { bindings: [{ name: "B", class_name: "Counter" }] } },
      { type: "durable_object_namespace", class_name: "Counter" },
      'DurableObjectNamespace<import("shop").Counter>',
      "Counter",
    ],
    [
      {
        durable_objects: {
          bindings: [{ name: "B", class_name: "Counter", script_name: "unknown", environment: "staging" }],
        },
      },
      { type: "durable_object_namespace", class_name: "Counter", script_name: "unknown-script-staging" },
      "DurableObjectNamespace /* Counter from unknown */",
      "Counter of unknown@staging",
    ],
    [
      { workflows: [{ binding: "B", name: "orders", class_name: "Order" }] },
      { type: "workflow", workflow_name: "<orders>", class_name: "Order" },
      'Workflow<Parameters<import("shop").Order["run"]>[0]["payload"]>',
      "orders (Order)",
    ],
    [
      { workflows: [{ binding: "B", name: "orders", class_name: "Order", script_name: "auth" }] },
      { type: "workflow", workflow_name: "<auth-orders>", class_name: "Order", script_name: "auth-script" },
      'Workflow<Parameters<import("auth").Order["run"]>[0]["payload"]>',
      "orders (Order of auth)",
    ],
    [
      { mtls_certificates: [{ binding: "B", certificate_id: "id", certificate: "c.pem", private_key: "k.pem" }] },
      { type: "mtls_certificate", certificate_id: "id" },
      "Fetcher",
      "c.pem",
    ],
    [{ assets: { directory: "public", binding: "B" } }, { type: "assets" }, "Fetcher", "public"],
    [{ hyperdrive: [{ binding: "B", id: "id" }] }, { type: "hyperdrive", id: "id" }, "Hyperdrive", "id"],
    [
      { send_email: [{ name: "B", destination_address: "a@example.com", remote: true }] },
      { type: "send_email", destination_address: "a@example.com" },
      "SendEmail",
      "to a@example.com",
    ],
    [{ tail_consumers: [{ service: "auth" }] }, undefined, undefined, "to auth"],
    [{ streaming_tail_consumers: [{ service: "auth" }] }, undefined, undefined, "to auth"],
    [
      { version_metadata: { binding: "B" } },
      { type: "version_metadata" },
      "WorkerVersionMetadata",
      "id, tag and time of the version",
    ],
    [
      { ratelimits: [{ name: "B", namespace_id: "1", simple: { limit: 5, period: 10 } }] },
      { type: "ratelimit", namespace_id: "1", simple: { limit: 5, period: 10 } },
      "RateLimit",
      "5 in 10 s",
    ],
    [
      { analytics_engine_datasets: [{ binding: "B", dataset: "events" }] },
      { type: "analytics_engine", dataset: "<events>" },
      "AnalyticsEngineDataset",
      "events",
    ],
    [{ analytics: { binding: "B" } }, { type: "analytics" }, "AnalyticsSQLBinding", "Analytics SQL"],
    [
      { secrets_store_secrets: [{ binding: "B", store_id: "s", secret_name: "n" }] },
      { type: "secrets_store_secret", store_id: "s", secret_name: "n" },
      "SecretsStoreSecret",
      "n of s",
    ],
    [{ images: { binding: "B" } }, { type: "images" }, "ImagesBinding", "Images"],
    [{ stream: { binding: "B" } }, { type: "stream" }, "StreamBinding", "Stream"],
    [{ media: { binding: "B" } }, { type: "media" }, "MediaBinding", "Media Transformations"],
    [{ browser: { binding: "B" } }, { type: "browser" }, "BrowserRun", "Browser"],
    [{ ai: { binding: "B", staging: true } }, { type: "ai", staging: true }, "Ai", "Workers AI"],
    [
      { vectorize: [{ binding: "B", index_name: "i" }] },
      { type: "vectorize", index_name: "<i>" },
      "VectorizeIndex",
      "i",
    ],
    [
      { ai_search: [{ binding: "B", instance_name: "i" }] },
      { type: "ai_search", instance_name: "<i>" },
      "AiSearchInstance",
      "i",
    ],
    [
      { ai_search_namespaces: [{ binding: "B", namespace: "n" }] },
      { type: "ai_search_namespace", namespace: "<n>" },
      "AiSearchNamespace",
      "n",
    ],
    [
      { agent_memory: [{ binding: "B", namespace: "n" }] },
      { type: "agent_memory", namespace: "<n>" },
      "AgentMemoryNamespace",
      "n",
    ],
    [
      { pipelines: [{ binding: "B", stream: "s" }] },
      { type: "pipelines", stream: "<s>" },
      'import("cloudflare:pipelines").Pipeline<import("cloudflare:pipelines").PipelineRecord>',
      "s",
    ],
    [{ k2: [{ binding: "B", stream: "s" }] }, { type: "k2", stream: "<s>" }, "unknown", "s"],
    [{ artifacts: [{ binding: "B", namespace: "n" }] }, { type: "artifacts", namespace: "<n>" }, "Artifacts", "n"],
    [{ flagship: [{ binding: "B", app_id: "a" }] }, { type: "flagship", app_id: "a" }, "Flagship", "a"],
    [
      { dispatch_namespaces: [{ binding: "B", namespace: "n", outbound: { service: "auth", parameters: ["p"] } }] },
      {
        type: "dispatch_namespace",
        namespace: "n",
        outbound: { worker: { service: "auth-script" }, params: [{ name: "p" }] },
      },
      "DispatchNamespace",
      "n",
    ],
    [{ worker_loaders: [{ binding: "B" }] }, { type: "worker_loader" }, "WorkerLoader", "starts Workers at run time"],
    [{ vpc_services: [{ binding: "B", service_id: "s" }] }, { type: "vpc_service", service_id: "s" }, "Fetcher", "s"],
    [{ vpc_networks: [{ binding: "B", tunnel_id: "t" }] }, { type: "vpc_network", tunnel_id: "t" }, "Fetcher", "t"],
    [{ vpc_networks: [{ binding: "B", network_id: "n" }] }, { type: "vpc_network", network_id: "n" }, "Fetcher", "n"],
    [{ connect: [{ protocol: "tcp", port: 8000 }] }, undefined, undefined, "listens on tcp 127.0.0.1:8000"],
    [{ containers: [{ class_name: "B", image: "./Dockerfile" }] }, undefined, undefined, "./Dockerfile of B"],
    [{ cloudchamber: { image: "image" } }, undefined, undefined, "image"],
    [
      { logfwdr: { bindings: [{ name: "B", destination: "d" }] } },
      { type: "logfwdr", destination: "d" },
      "unknown",
      "d",
    ],
    [
      { unsafe_hello_world: [{ binding: "B", enable_timer: true }] },
      { type: "unsafe_hello_world", enable_timer: true },
      "HelloWorldBinding",
      "example",
    ],
    [
      { unsafe: { bindings: [{ name: "B", type: "odd", more: 1, dev: { plugin: { package: "p", name: "n" } } }] } },
      { type: "odd", more: 1 },
      "any",
      "odd",
    ],
  ];

const script = ({ service, environment }: Reference) =>
  `${service}-script${environment === undefined ? "" : `-${environment}`}`;

const context: UploadContext = {
  environment: environmentOf("shop", {}),
  scriptName: script,
  environmentOf: ({ service }): Environment | undefined =>
    service === "auth"
      ? environmentOf("auth", { workflows: [{ binding: "OTHER_NAME", name: "auth-orders", class_name: "Order" }] })
      : undefined,
  resourceId: (binding: Binding) => `<${binding.resource!.id}>`,
  secret: () => "hidden",
};

const types: TypeContext = {
  environment: context.environment,
  strictVars: true,
  importType: ({ service = "shop", exportName = "default" }) =>
    service === "unknown" ? undefined : `import("${service}").${exportName}`,
};

test.each(KINDS)("%j", (config, upload, type, words) => {
  const binding = bindingOf(config);
  const kind = kindOf(binding);
  expect(kind.upload(binding, context)).toEqual(upload && { name: "B", ...upload });
  expect(kind.type(binding, types)).toBe(type);
  expect(kind.describe(binding)).toBe(words);
});

test("the table above leaves no kind out", () => {
  const covered = new Set(KINDS.map(([config]) => bindingOf(config).kind));
  expect(BINDING_KINDS.map(({ id }) => id).filter((id) => !covered.has(id))).toEqual([]);
});

test("variables by value, or by shape", () => {
  const type = (value: unknown, strictVars: boolean) => {
    const binding = bindingOf({ vars: { B: value } });
    return kindOf(binding).type(binding, { ...types, strictVars });
  };
  expect([type("a", true), type("a", false)]).toEqual(['"a"', "string"]);
  expect([type({ a: [1, "b"] }, true), type({ a: [1, "b"] }, false)]).toEqual([
    '{"a":[1,"b"]}',
    '{ "a": (number | string)[] }',
  ]);
});

test("an edition reads as one, and its dead letters are its own", () => {
  const consumer = bindingOf({ queues: { consumers: [{ queue: "jobs", dead_letter_queue: "dead" }] } }, "staging");
  expect(kindOf(consumer).describe(consumer)).toBe("receives jobs@staging, dead letters to dead@staging");
  const database = bindingOf({ d1_databases: [{ binding: "B", database_id: "x", database_name: "shop" }] }, "staging");
  expect(kindOf(database).describe(database)).toBe("shop@staging");
});

test("a secret without a known value stays what it is on the network", () => {
  const binding = bindingOf({ secrets: { required: ["B"] } });
  expect(kindOf(binding).upload(binding, { ...context, secret: () => undefined })).toEqual({
    name: "B",
    type: "inherit",
  });
});

test("a dataset without a name: ours to name in our dialect, the platform's in Wrangler's", () => {
  const binding = bindingOf({ analytics_engine_datasets: [{ binding: "B" }] });
  const wrangler = environmentOf("shop", {}, { dialect: "wrangler" });
  expect(kindOf(binding).upload(binding, context)).toMatchObject({ dataset: "<shop/B>" });
  expect(kindOf(binding).upload(binding, { ...context, environment: wrangler })).toEqual({
    name: "B",
    type: "analytics_engine",
  });
});

test("attachments add to the metadata beside the bindings", () => {
  const metadata = (config: Record<string, unknown>) => {
    const binding = bindingOf(config);
    return kindOf(binding).uploadMetadata?.(binding, context);
  };
  expect(metadata({ tail_consumers: [{ service: "auth", environment: "staging" }] })).toEqual({
    tail_consumers: [{ service: "auth-script-staging" }],
  });
  expect(metadata({ streaming_tail_consumers: [{ service: "auth" }] })).toEqual({
    streaming_tail_consumers: [{ service: "auth-script" }],
  });
  expect(metadata({ containers: [{ class_name: "C", name: "n", image: "i" }] })).toEqual({
    containers: [{ name: "n", class_name: "C" }],
  });
});
