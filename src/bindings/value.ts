/** Values that live in `env` itself: their limit, their type, how they read. */

/** https://developers.cloudflare.com/workers/platform/limits/#environment-variables */
const MAX_BYTES = 5 * 1024;
const SHOWN = 60;

/** @returns one fault when `text` is over the platform's limit for variables and secrets, else none */
export function tooLarge(what: string, text: string): { code: string; message: string; notes: string[] }[] {
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_BYTES) return [];
  return [
    {
      code: "value-too-large",
      message: `${what} has ${bytes} bytes; the platform allows ${MAX_BYTES} (5 KB).`,
      notes: ["Keep large values in a KV namespace, an R2 bucket, or a module that the code imports."],
    },
  ];
}

/** A JSON value as a TypeScript type: the literal itself (`strict`), or the type of all values of its shape. */
export function jsonType(json: unknown, strict: boolean): string {
  if (strict) return JSON.stringify(json);
  if (Array.isArray(json)) {
    const types = [...new Set(json.map((item) => jsonType(item, false)))].sort();
    if (types.length === 0) return "unknown[]";
    return types.length === 1 ? `${types[0]}[]` : `(${types.join(" | ")})[]`;
  }
  if (typeof json !== "object" || json === null) return json === null ? "null" : typeof json;
  const fields = Object.entries(json).map(([key, value]) => `${JSON.stringify(key)}: ${jsonType(value, false)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join("; ")} }`;
}

/** A JSON value in a few words. */
export function describeJson(json: unknown): string {
  const text = JSON.stringify(json);
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN - 1)}…`;
}
