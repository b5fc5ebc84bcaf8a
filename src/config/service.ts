/** One config file → one Service with all its environments. */
import type { Dialect, Service } from "../model.ts";
import type { Faults } from "./faults.ts";
import { dialectOf, type FoundConfig } from "./find.ts";
import type { SourcedTable } from "./sourced.ts";
import { loadTroupe } from "./troupe-service.ts";
import { loadWrangler } from "./wrangler-service.ts";

export interface ServiceOptions {
  /** The environment asked for: `--env`, else CLOUDFLARE_ENV. */
  env?: string;
  /** What stands in for a missing `compatibility_date`, YYYY-MM-DD. */
  today: string;
  /** True when the command line names the entry file: `main` need not be right then. */
  mainGiven: boolean;
  /** What the top level is called, where the root says that the file is one environment (wrangler.* only). */
  topLevel?: string;
  faults: Faults;
}

/** A service, and the tree behind each of its environments (for `config explain`). */
export interface LoadedService {
  service: Service;
  trees: Map<string, SourcedTable>;
}

const LOADERS: Record<
  Dialect,
  (found: FoundConfig, raw: Record<string, unknown>, options: ServiceOptions) => LoadedService
> = { troupe: loadTroupe, wrangler: loadWrangler };

/** Reads a service out of a parsed file. What is wrong is reported; a service comes out all the same. */
export function loadService(found: FoundConfig, raw: Record<string, unknown>, options: ServiceOptions): LoadedService {
  return LOADERS[dialectOf(found.file)](found, raw, options);
}
