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

/** A JSON value as a TypeScript type: the literal itself. */
export function jsonType(json: unknown): string {
  return JSON.stringify(json);
}

/** A JSON value in a few words. */
export function describeJson(json: unknown): string {
  const text = JSON.stringify(json);
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN - 1)}…`;
}
