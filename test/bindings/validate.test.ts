/** Bad input that a schema can or cannot say, and bindings that exclude each other. */
import { describe, expect, test } from "vitest";
import { findConflicts } from "../../src/bindings/claims.ts";
import { BINDING_KEYS, kindOf } from "../../src/bindings/index.ts";
import { bindingOf, environmentOf } from "./support.ts";

type Config = Record<string, unknown>;

function faults(config: Config, dialect: "troupe" | "wrangler" = "troupe"): string[] {
  const binding = bindingOf(config);
  const environment = environmentOf("shop", {}, { dialect });
  return (kindOf(binding).validate?.(binding, environment) ?? []).map(({ code }) => code);
}

function refused(place: string, entry: unknown): string | undefined {
  const { key } = BINDING_KEYS.find(({ key: { path } }) => path.join(".") === place)!;
  return key.entry.safeParse(entry).error?.issues[0]?.message;
}

test("values over the platform's limit", () => {
  expect(faults({ vars: { A: "x".repeat(5 * 1024) } })).toEqual([]);
  expect(faults({ vars: { A: "x".repeat(5 * 1024 + 1) } })).toEqual(["value-too-large"]);
  expect(faults({ vars: { A: "ü".repeat(3 * 1024) } })).toEqual(["value-too-large"]);
  expect(faults({ vars: { A: { list: ["x".repeat(5 * 1024)] } } })).toEqual(["value-too-large"]);
});

describe("malformed ids", () => {
  const kv = (id: string) => ({ kv_namespaces: [{ binding: "A", id }] });

  test("an id with a digit too few or too many; a name is none", () => {
    expect(faults(kv("0123456789abcdef0123456789abcdef"))).toEqual([]);
    expect(faults(kv("0123456789abcdef0123456789abcde"))).toEqual(["malformed-id"]);
    expect(faults(kv("sessions"))).toEqual([]);
    expect(faults({ d1_databases: [{ binding: "A", database_id: "9c1bb5a0-1f2b-4a5e-8b63-0c5f8a2d7a1" }] })).toEqual([
      "malformed-id",
    ]);
    expect(faults({ d1_databases: [{ binding: "A", database_id: "9c1bb5a0-1f2b-4a5e-8b63-0c5f8a2d7a11" }] })).toEqual(
      [],
    );
  });

  test("Wrangler's files may have them: Wrangler does not look", () => {
    expect(faults(kv("0123456789abcdef0123456789abcde"), "wrangler")).toEqual([]);
  });

  test("the sign of an edition in a name", () => {
    expect(faults(kv("sessions@staging"))).toEqual(["malformed-id"]);
    expect(faults({ queues: { consumers: [{ queue: "jobs@staging" }] } })).toEqual(["malformed-id"]);
  });

  test("names with a form of their own", () => {
    expect(refused("r2_buckets", { binding: "A", bucket_name: "My_Files" })).toContain("lowercase letters");
    expect(refused("r2_buckets", { binding: "A", bucket_name: "my-files" })).toBeUndefined();
    expect(refused("workflows", { binding: "A", name: "my flow", class_name: "Flow" })).toContain("1 to 64 letters");
    expect(refused("services", { binding: "A", service: "auth", entrypoint: "not a name" })).toContain(
      "exported class",
    );
  });
});

test("limits of queues, rate limiters and ports", () => {
  const consumer = (settings: Config) => refused("queues.consumers", { queue: "jobs", ...settings });
  expect(
    consumer({
      max_batch_size: 100,
      max_batch_timeout: 60,
      max_retries: 100,
      retry_delay: 86_400,
      max_concurrency: null,
    }),
  ).toBeUndefined();
  expect(consumer({ max_batch_size: 101 })).toBeDefined();
  expect(consumer({ max_batch_timeout: 61 })).toBeDefined();
  expect(consumer({ max_retries: 101 })).toBeDefined();
  expect(consumer({ retry_delay: 86_401 })).toBeDefined();
  expect(refused("ratelimits", { name: "A", namespace_id: "1", simple: { limit: 1, period: 30 } })).toBeDefined();
  expect(refused("connect", { protocol: "tcp", port: 70_000 })).toBeDefined();
  expect(refused("connect", { protocol: "tcp", port: 80, idle_timeout_ms: 1 })).toBeDefined();
});

test("fields that need or exclude each other", () => {
  expect(
    faults({ send_email: [{ name: "A", destination_address: "a", allowed_destination_addresses: ["b"] }] }),
  ).toEqual(["exclusive-fields"]);
  expect(faults({ pipelines: [{ binding: "A" }] })).toEqual(["missing-field"]);
  expect(faults({ durable_objects: { bindings: [{ name: "A", class_name: "C", environment: "staging" }] } })).toEqual([
    "missing-field",
  ]);
  expect(refused("vpc_networks", { binding: "A", tunnel_id: "t", network_id: "n" })).toBeDefined();
});

describe("what only one service can have", () => {
  const consumer = (queue: string) => ({ queues: { consumers: [{ queue }] } });

  test("a queue with two consumers", () => {
    const environments = [
      environmentOf("mailer", consumer("jobs")),
      environmentOf("archive", consumer("jobs")),
      environmentOf("other", consumer("logs")),
    ];
    expect(findConflicts(environments)).toEqual([
      expect.objectContaining({
        message: 'Only one service can receive from queue "jobs"; mailer@production and archive@production both do.',
        bindings: [
          expect.objectContaining({ environment: environments[0] }),
          expect.objectContaining({ environment: environments[1] }),
        ],
      }),
    ]);
  });

  test("editions are queues of their own", () => {
    expect(
      findConflicts([
        environmentOf("mailer", consumer("jobs")),
        environmentOf("mailer", consumer("jobs"), { name: "staging" }),
      ]),
    ).toEqual([]);
  });

  test("one Workflow name for two classes; binding it from elsewhere is no claim", () => {
    const flow = (script_name?: string) => ({
      workflows: [{ binding: "F", name: "orders", class_name: "Order", ...(script_name && { script_name }) }],
    });
    expect(findConflicts([environmentOf("a", flow()), environmentOf("b", flow("a"))])).toEqual([]);
    expect(findConflicts([environmentOf("a", flow()), environmentOf("b", flow())])).toHaveLength(1);
  });

  test("a port", () => {
    const port = {
      connect: [
        { protocol: "tcp", port: 8000 },
        { protocol: "tcp", port: 8000 },
      ],
    };
    expect(findConflicts([environmentOf("a", port)])[0]?.message).toBe(
      "Only one service can listen on tcp port 8000; a@production does so twice.",
    );
  });
});
