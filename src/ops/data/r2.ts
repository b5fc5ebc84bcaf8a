/** R2 buckets. Limits: https://developers.cloudflare.com/r2/platform/limits/ */
import { TroupeError } from "../../errors.ts";
import type { Verb } from "./verbs.ts";

const MAX_KEY = 1024;
const MAX_METADATA = 8192;

interface ObjectInfo {
  key: string;
  size: number;
  etag: string;
  uploaded: Date;
  httpMetadata?: Record<string, unknown>;
  customMetadata?: Record<string, string>;
}

interface Bucket {
  list(options: {
    prefix?: string;
    cursor?: string;
    limit?: number;
    include: string[];
  }): Promise<{ objects: ObjectInfo[]; truncated: boolean; cursor?: string }>;
  get(key: string): Promise<(ObjectInfo & { arrayBuffer(): Promise<ArrayBuffer> }) | null>;
  put(
    key: string,
    value: Uint8Array,
    options: { httpMetadata?: Record<string, unknown>; customMetadata?: Record<string, string> },
  ): Promise<ObjectInfo | null>;
  delete(keys: string[]): Promise<void>;
}

export const r2Verbs: Record<string, Verb> = {
  async list(binding, args) {
    const { prefix, limit = Number.POSITIVE_INFINITY } = args as { prefix?: string; limit?: number };
    const objects: ObjectInfo[] = [];
    let cursor: string | undefined;
    do {
      const include = ["httpMetadata", "customMetadata"];
      const page = await (binding as Bucket).list({
        ...(prefix && { prefix }),
        ...(cursor && { cursor }),
        limit: Math.min(1000, limit - objects.length),
        include,
      });
      objects.push(...page.objects);
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor && objects.length < limit);
    return { value: objects.map(described) };
  },

  async get(binding, { key }) {
    const object = await (binding as Bucket).get(checkedKey(key));
    if (!object) throw new TroupeError("NOT_FOUND", `There is no object "${key}"`);
    return { value: described(object), bytes: new Uint8Array(await object.arrayBuffer()) };
  },

  async put(binding, args, body = new Uint8Array()) {
    const { key, httpMetadata, customMetadata } = args as {
      key: string;
      httpMetadata?: Record<string, unknown>;
      customMetadata?: Record<string, string>;
    };
    checkMetadata(key, customMetadata);
    const object = await (binding as Bucket).put(checkedKey(key), body, {
      ...(httpMetadata && { httpMetadata }),
      ...(customMetadata && { customMetadata }),
    });
    return { value: object ? described(object) : { key } };
  },

  async delete(binding, { keys }) {
    const names = (keys as unknown[]).map((key) => checkedKey(key));
    // The platform's own limit for one call.
    for (let at = 0; at < names.length; at += 1000) await (binding as Bucket).delete(names.slice(at, at + 1000));
    return { value: { deleted: names } };
  },
};

function described(object: ObjectInfo) {
  const { key, size, etag, uploaded, httpMetadata, customMetadata } = object;
  return { key, size, etag, uploaded: new Date(uploaded).toISOString(), httpMetadata, customMetadata };
}

function checkMetadata(key: string, metadata: Record<string, string> = {}): void {
  const bytes = Object.entries(metadata).reduce((sum, pair) => sum + Buffer.byteLength(pair.join("")), 0);
  if (bytes <= MAX_METADATA) return;
  throw new TroupeError(
    "USAGE",
    `The metadata of "${key}" has ${bytes} bytes; at most ${MAX_METADATA} are allowed; nothing was written`,
  );
}

function checkedKey(key: unknown): string {
  if (typeof key !== "string" || key === "") throw new TroupeError("USAGE", "A key is needed; nothing was written");
  const bytes = Buffer.byteLength(key);
  if (bytes <= MAX_KEY) return key;
  throw new TroupeError(
    "USAGE",
    `The key "${key.slice(0, 40)}…" has ${bytes} bytes; at most ${MAX_KEY} are allowed; nothing was written`,
  );
}
