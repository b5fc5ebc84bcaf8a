/** The little that tells which service a config file belongs to, without checking it. */

import { Faults } from "./faults.ts";
import { dialectOf } from "./find.ts";
import { configReader } from "./parse.ts";
import { isTable } from "./sourced.ts";

export interface ConfigNames {
  name?: string;
  main?: string;
  /** Its `[env.*]`. */
  environments: string[];
}

/** @returns undefined for a file that cannot be read or is no service, such as the root of a workspace */
export async function configNames(file: string): Promise<ConfigNames | undefined> {
  const { raw, ok } = await configReader(new Faults())(file);
  const { name, main, env } = raw;
  if (
    !ok ||
    (main === undefined && raw.assets === undefined && raw.site === undefined && dialectOf(file) === "troupe")
  ) {
    return undefined;
  }
  if (name === undefined && main === undefined && raw.assets === undefined) return undefined;
  return {
    ...(typeof name === "string" && name !== "" && { name }),
    ...(typeof main === "string" && { main }),
    environments: isTable(env) ? Object.keys(env) : [],
  };
}
