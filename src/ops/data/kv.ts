/** KV namespaces. Limits: https://developers.cloudflare.com/kv/platform/limits/ */

import { TroupeError } from "../../errors.ts";
import { withoutBom } from "../../lib/without-bom.ts";
import type { Verb } from "./verbs.ts";

const MAX_KEY = 512;
const MAX_VALUE = 25 * 1024 * 1024;
const MAX_METADATA = 1024;
/** Seconds. */
const MIN_TTL = 60;
/** Reads and writes under way at once. */
const PARALLEL = 16;

interface KeyInfo {
  name: string;
  expiration?: number;
  metadata?: unknown;
}

interface Namespace {
  list(options: {
    prefix?: string;
    cursor?: string;
    limit?: number;
  }): Promise<{ keys: KeyInfo[]; list_complete: boolean; cursor?: string }>;
  getWithMetadata(key: string, type: "arrayBuffer"): Promise<{ value: ArrayBuffer | null; metadata: unknown }>;
  put(key: string, value: ArrayBufferLike | Uint8Array, options: PutOptions): Promise<void>;
  delete(key: string): Promise<void>;
}

interface PutOptions {
  expiration?: number;
  expirationTtl?: number;
  metadata?: unknown;
}

/** One entry of an export: Wrangler's shape of `kv bulk put`. */
export interface Entry {
  key: string;
  value: string;
  base64?: boolean;
  expiration?: number;
  expiration_ttl?: number;
  metadata?: unknown;
}

export const kvVerbs: Record<string, Verb> = {
  async list(binding, args) {
    const { prefix, limit = Number.POSITIVE_INFINITY } = args as { prefix?: string; limit?: number };
    return { value: await listKeys(binding as Namespace, prefix, limit) };
  },

  async get(binding, { key }) {
    const { value, metadata } = await (binding as Namespace).getWithMetadata(checkedKey(key), "arrayBuffer");
    if (value === null) throw new TroupeError("NOT_FOUND", `There is no key "${key}"`);
    return { value: { key, size: value.byteLength, metadata }, bytes: new Uint8Array(value) };
  },

  async getMany(binding, { keys }) {
    const names = (keys as unknown[]).map((key) => checkedKey(key));
    const found = await inParallel(names, async (name) => {
      const { value } = await (binding as Namespace).getWithMetadata(name, "arrayBuffer");
      return [name, { value: value && Buffer.from(value).toString("utf8") }];
    });
    return { value: Object.fromEntries(found) };
  },

  async put(binding, args, body = new Uint8Array()) {
    const { key, expiration, ttl, metadata } = args as {
      key: string;
      expiration?: number;
      ttl?: number;
      metadata?: unknown;
    };
    const entry = { key, expiration, expiration_ttl: ttl, metadata };
    checkEntry(entry, body.byteLength, "");
    await (binding as Namespace).put(key, body, options(entry));
    return { value: { key, size: body.byteLength } };
  },

  async delete(binding, { keys }) {
    const names = (keys as unknown[]).map((key) => checkedKey(key));
    await inParallel(names, (name) => (binding as Namespace).delete(name));
    return { value: { deleted: names } };
  },

  async export(binding, { prefix }) {
    const namespace = binding as Namespace;
    const keys = await listKeys(namespace, prefix as string | undefined, Number.POSITIVE_INFINITY);
    const entries = await inParallel(keys, async ({ name, expiration, metadata }): Promise<Entry[]> => {
      const { value } = await namespace.getWithMetadata(name, "arrayBuffer");
      if (value === null) return [];
      return [
        {
          key: name,
          ...encoded(new Uint8Array(value)),
          ...(expiration && { expiration }),
          ...(metadata != null && { metadata }),
        },
      ];
    });
    return { value: entries.flat() };
  },

  /** Everything is checked before anything is written. */
  async import(binding, _args, body = new Uint8Array()) {
    const entries = parseEntries(body);
    await inParallel(entries, ({ entry, value }) => (binding as Namespace).put(entry.key, value, options(entry)));
    return { value: { imported: entries.length } };
  },
};

async function listKeys(namespace: Namespace, prefix: string | undefined, limit: number): Promise<KeyInfo[]> {
  const keys: KeyInfo[] = [];
  let cursor: string | undefined;
  do {
    const page = await namespace.list({
      ...(prefix && { prefix }),
      ...(cursor && { cursor }),
      limit: Math.min(1000, limit - keys.length),
    });
    keys.push(...page.keys);
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor && keys.length < limit);
  return keys;
}

/** @throws TroupeError USAGE for what is no bulk file, or holds an entry over the limits */
export function parseEntries(body: Uint8Array): { entry: Entry; value: Uint8Array }[] {
  const refuse = (message: string): never => {
    throw new TroupeError("USAGE", `${message}; nothing was written`, {
      notes: ['The file holds a list: [{ "key": "a", "value": "1" }, …], as `troupe kv export` writes it'],
    });
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(withoutBom(Buffer.from(body).toString("utf8")));
  } catch (error) {
    return refuse(`This is no JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(parsed)) return refuse("This is no list");
  return parsed.map((each: unknown, index) => {
    const entry = each as Entry;
    const where = `Entry ${index + 1}: `;
    if (typeof entry !== "object" || entry === null) return refuse(`${where}is no object`);
    if (typeof entry.value !== "string") return refuse(`${where}"value" must be a string`);
    const value = entry.base64 ? Buffer.from(entry.value, "base64") : Buffer.from(entry.value, "utf8");
    checkEntry(entry, value.byteLength, where);
    return { entry, value };
  });
}

function checkEntry(entry: Partial<Entry>, size: number, where: string): void {
  const key = checkedKey(entry.key, where);
  const metadata = entry.metadata === undefined ? 0 : Buffer.byteLength(JSON.stringify(entry.metadata));
  const over = (what: string, bytes: number, most: number) =>
    new TroupeError(
      "USAGE",
      `${where}${what} of "${key}" has ${bytes} bytes; at most ${most} are allowed; nothing was written`,
    );
  if (size > MAX_VALUE) throw over("The value", size, MAX_VALUE);
  if (metadata > MAX_METADATA) throw over("The metadata", metadata, MAX_METADATA);
  checkExpiry(entry, where);
}

/** In whole seconds, and at least a minute ahead. */
function checkExpiry({ key, expiration, expiration_ttl: ttl }: Partial<Entry>, where: string): void {
  const refuse = (message: string) => new TroupeError("USAGE", `${where}${message}; nothing was written`);
  for (const [name, seconds] of [
    ["lifetime", ttl],
    ["time of expiry", expiration],
  ] as const) {
    if (seconds === undefined || Number.isInteger(seconds)) continue;
    throw refuse(`The ${name} of "${key}" is a whole number of seconds, not ${JSON.stringify(seconds)}`);
  }
  if (ttl !== undefined && ttl < MIN_TTL)
    throw refuse(`"${key}" would expire in ${ttl} s; at least ${MIN_TTL} are needed`);
  const left = expiration === undefined ? MIN_TTL : expiration - Math.floor(Date.now() / 1000);
  if (left < 0) throw refuse(`"${key}" would have expired on ${new Date(expiration! * 1000).toISOString()}`);
  if (left < MIN_TTL) throw refuse(`"${key}" would expire in ${left} s; at least ${MIN_TTL} are needed`);
}

function checkedKey(key: unknown, where = ""): string {
  if (typeof key !== "string" || key === "")
    throw new TroupeError("USAGE", `${where}A key is needed; nothing was written`);
  const bytes = Buffer.byteLength(key);
  if (bytes > MAX_KEY)
    throw new TroupeError(
      "USAGE",
      `${where}The key "${key.slice(0, 40)}…" has ${bytes} bytes; at most ${MAX_KEY} are allowed; nothing was written`,
    );
  if (key === "." || key === "..")
    throw new TroupeError("USAGE", `${where}A key can't be "${key}"; nothing was written`);
  return key;
}

function options(entry: Pick<Entry, "expiration" | "expiration_ttl" | "metadata">): PutOptions {
  return {
    ...(entry.expiration !== undefined && { expiration: entry.expiration }),
    ...(entry.expiration_ttl !== undefined && { expirationTtl: entry.expiration_ttl }),
    ...(entry.metadata !== undefined && { metadata: entry.metadata }),
  };
}

/** Text as it is; anything else in base64. */
function encoded(bytes: Uint8Array): Pick<Entry, "value" | "base64"> {
  try {
    return { value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { value: Buffer.from(bytes).toString("base64"), base64: true };
  }
}

async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(PARALLEL, items.length) }, async () => {
      for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index]!);
    }),
  );
  return results;
}
