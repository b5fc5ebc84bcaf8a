import { locate } from "../config/index.ts";
import type { Location } from "../errors.ts";
import type { Environment } from "../model.ts";

/**
 * Finds the line of a setting by its dotted key, or of the nearest table above it that is written: what the bundler wants
 * as its `locate`.
 */
export function settingLocator(environment: Environment): (key: string) => Promise<Location> | undefined {
  return (key) => {
    for (let path = key; path !== ""; path = path.slice(0, Math.max(0, path.lastIndexOf(".")))) {
      const written = environment.written[path];
      if (written) return locate(written);
    }
    return undefined;
  };
}
