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

/** @returns undefined for a file that is no service, such as the root of a workspace; nothing known of one that has errors */
export async function configNames(file: string): Promise<ConfigNames | undefined> {
  const { raw, ok } = await configReader(new Faults())(file);
  if (!ok) return { environments: [] };
  const { name, main, assets, site, env } = raw;
  const runs = main !== undefined || assets !== undefined || site !== undefined;
  if (!runs && (name === undefined || dialectOf(file) === "troupe")) return undefined;
  return {
    ...(typeof name === "string" && name !== "" && { name }),
    ...(typeof main === "string" && { main }),
    environments: isTable(env) ? Object.keys(env) : [],
  };
}
