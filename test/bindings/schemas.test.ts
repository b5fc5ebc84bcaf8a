/** Our schemas against the JSON Schema that the published Wrangler ships. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import {
  BINDING_KEYS,
  BINDING_KINDS,
  BINDING_TOP_LEVEL_KEYS,
  kindById,
  kindOf,
  notLocal,
} from "../../src/bindings/index.ts";
import { bindingOf } from "./support.ts";

interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  type?: string | string[];
  description?: string;
}

const wrangler: { definitions: Record<string, Schema> } = JSON.parse(
  readFileSync(
    createRequire(import.meta.url)
      .resolve("wrangler/package.json")
      .replace("package.json", "config-schema.json"),
    "utf8",
  ),
);

/** What our own dialect adds. */
const ADDED: Record<string, string[]> = {
  services: ["environment"],
  workflows: ["environment"],
  streaming_tail_consumers: ["environment"],
  mtls_certificates: ["certificate", "private_key", "ca"],
};

/** What we do not ask for, though Wrangler does. */
const RELAXED: Record<string, string[]> = { mtls_certificates: ["certificate_id"] };

/** Where we ask for more than Wrangler's schema does (its own checks ask for it later). */
const STRICTER: Record<string, string[]> = { containers: ["class_name"] };

const follow = (schema: Schema): Schema =>
  schema.$ref ? follow(wrangler.definitions[schema.$ref.split("/").at(-1)!]!) : schema;

/** All alternatives' properties together, and what every alternative requires. */
function shape(schema: Schema): { properties: string[]; required: string[] } {
  const alternatives = (schema.anyOf ?? [schema]).map(follow);
  const properties = new Set(alternatives.flatMap(({ properties: known = {} }) => Object.keys(known)));
  const required = alternatives.map(({ required: names = [] }) => names);
  return {
    properties: [...properties].sort(),
    required: required[0]!.filter((name) => required.every((names) => names.includes(name))).sort(),
  };
}

const environment = follow({ $ref: "#/definitions/RawEnvironment" });

function wranglerEntry(path: readonly string[], form: string): Schema {
  const value = path.reduce((schema, part) => follow(schema.properties![part]!), environment);
  return form === "list" ? follow(value.items!) : value;
}

describe.each(BINDING_KEYS.filter(({ key }) => key.form === "list" || key.form === "single"))(
  "$key.path",
  ({ key }) => {
    const top = key.path[0]!;
    const ours = z.toJSONSchema(key.entry, { io: "input" }) as Schema & { oneOf?: Schema[] };
    const alternatives = ours.anyOf ?? ours.oneOf ?? [ours];

    test("takes every field that Wrangler takes, and asks for the same", () => {
      const theirs = shape(wranglerEntry(key.path, key.form));
      const mine = shape({ anyOf: alternatives });
      const added = [...(ADDED[top] ?? []), "shared"];
      expect(mine.properties.filter((name) => !added.includes(name))).toEqual(theirs.properties);
      const relaxed = theirs.required.filter((name) => !RELAXED[top]?.includes(name));
      expect(mine.required).toEqual([...relaxed, ...(STRICTER[top] ?? [])].sort());
    });

    test("refuses unknown fields", () => {
      if (top === "unsafe") return;
      const unknown = key.entry
        .safeParse({ "no-such-field": 1 })
        .error?.issues.flatMap((issue) => [issue, ...("errors" in issue ? issue.errors.flat() : [])]);
      expect(unknown?.some(({ code }) => code === "unrecognized_keys" || code === "invalid_union")).toBe(true);
    });

    test("describes itself, for editors", () => {
      expect(key.description).toMatch(/\.$/);
      if (top === "containers" || top === "cloudchamber") return;
      for (const { properties = {} } of alternatives) {
        const bare = Object.entries(properties).filter(
          ([, { description, properties: nested, type }]) =>
            !description && !nested && type !== undefined && type !== "string",
        );
        expect(bare.map(([name]) => name)).toEqual([]);
      }
    });
  },
);

test("every key that Wrangler does not let environments inherit belongs to a kind", () => {
  // `define` is a build setting.
  const keys =
    "vars secrets services durable_objects workflows kv_namespaces r2_buckets d1_databases queues connect hyperdrive vectorize ai ai_search ai_search_namespaces agent_memory browser images media stream analytics analytics_engine_datasets send_email mtls_certificates dispatch_namespaces tail_consumers streaming_tail_consumers pipelines k2 secrets_store_secrets artifacts flagship ratelimits worker_loaders vpc_services vpc_networks version_metadata containers cloudchamber unsafe unsafe_hello_world";
  for (const key of keys.split(" ")) expect(BINDING_TOP_LEVEL_KEYS, key).toContain(key);
});

test("tables with several parts belong to kinds as a whole", () => {
  for (const top of BINDING_TOP_LEVEL_KEYS) {
    const table = follow(environment.properties![top]!);
    const parts = BINDING_KEYS.filter(({ key }) => key.path[0] === top && key.path.length > 1).map(
      ({ key }) => key.path[1],
    );
    if (parts.length === 0) continue;
    const settings = BINDING_KINDS.flatMap((kind) => kind.settings ?? []).filter(({ path }) => path[0] === top);
    expect([...parts, ...settings.map(({ path }) => path[1])].sort()).toEqual(Object.keys(table.properties!).sort());
  }
});

test("ids and places are unique", () => {
  const ids = BINDING_KINDS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const places = BINDING_KEYS.map(({ key }) => key.path.join("."));
  expect(new Set(places).size).toBe(places.length);
});

test("kinds are found by id, and an unknown one is a bug", () => {
  expect(kindById("kv")?.title).toBe("KV namespace");
  expect(kindById("nothing")).toBeUndefined();
  const binding = bindingOf({ kv_namespaces: [{ binding: "CACHE" }] });
  expect(kindOf(binding).id).toBe("kv");
  expect(() => kindOf({ ...binding, kind: "nothing" })).toThrowError(expect.objectContaining({ code: "INTERNAL" }));
});

test("what is not local is said of the kind, or of the binding", () => {
  expect(notLocal(bindingOf({ ai: { binding: "AI" } }))).toBe("Workers AI runs on Cloudflare's network only.");
  expect(notLocal(bindingOf({ kv_namespaces: [{ binding: "CACHE" }] }))).toBeUndefined();
  expect(notLocal(bindingOf({ mtls_certificates: [{ binding: "C", certificate_id: "x" }] }))).toContain(
    "`private_key`",
  );
  expect(
    notLocal(bindingOf({ mtls_certificates: [{ binding: "C", certificate: "a", private_key: "b" }] })),
  ).toBeUndefined();
});
