/** Wrangler's spellings of the r2 commands: bucket and key are one word, `bucket/key`. */
import { TroupeError } from "../../errors.ts";
import type { PositionalSpec } from "../command.ts";

export const OBJECT: PositionalSpec = { name: "object", type: "string", describe: "BUCKET/KEY" };

/** @throws TroupeError USAGE for a word without a key */
export function bucketAndKey(object: string): { binding: string; key: string } {
  const slash = object.indexOf("/");
  if (slash <= 0 || slash === object.length - 1) {
    throw new TroupeError("USAGE", `An object is written BUCKET/KEY, not "${object}"`);
  }
  return { binding: object.slice(0, slash), key: object.slice(slash + 1) };
}
