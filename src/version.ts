import { readFileSync } from "node:fs";

/** Put in by scripts/build.mjs; absent when the sources run unbundled. */
declare const TROUPE_VERSION: string | undefined;

/** The version of this troupe, as in package.json. */
export const VERSION: string = typeof TROUPE_VERSION === "string" ? TROUPE_VERSION : fromPackage();

function fromPackage(): string {
  return JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
}
