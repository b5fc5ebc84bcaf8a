/** What troupe knows about its own package. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Put in by scripts/build.mjs; absent when the sources run unbundled. */
declare const TROUPE_VERSION: string | undefined;

/** Whether the sources run as they are, not what scripts/build.mjs made of them. */
export const UNBUNDLED = typeof TROUPE_VERSION !== "string";

/** As in package.json. */
export const VERSION: string =
  typeof TROUPE_VERSION === "string"
    ? TROUPE_VERSION
    : JSON.parse(readFileSync(path.join(packageFolder(), "package.json"), "utf8")).version;

/** Absolute folder of the package: above `src/`, or above `dist/` and its chunks. */
export function packageFolder(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, "package.json"))) folder = path.dirname(folder);
  return folder;
}
