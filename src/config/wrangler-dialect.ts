/**
 * How the tables of a wrangler.* file become environments, by Wrangler's own rules:
 * https://developers.cloudflare.com/workers/wrangler/configuration/#environments
 */
import { PRODUCTION } from "../model.ts";
import { Faults } from "./faults.ts";
import { BINDING_GROUPS, SETTING_KEYS } from "./keys.ts";
import { at, isTable, plain, type Sourced, type SourcedTable } from "./sourced.ts";
import { type FileTables, type ResolvedTree, withKnownKeys } from "./tables.ts";

export interface WranglerTree extends ResolvedTree {
  /** `[env.X]` it is; undefined for the top level. */
  table?: string;
  /** What is wrong with it. Wrangler looks at the top level and at the environment in use, and at no other. */
  faults: Faults;
}

/** What the top level is called in the model: production, unless `[env.production]` is. */
export function topLevelName({ env }: Record<string, unknown>): string {
  return isTable(env) && isTable(env[PRODUCTION]) ? "default" : PRODUCTION;
}

/** Resolves the top level and every environment of a file. */
export function resolveWrangler({ top, environments }: FileTables, faults: Faults): WranglerTree[] {
  const whole: WranglerTree = { environment: top.written.environment, tree: top, tables: [undefined], faults };
  const others = [...environments].map(([name, table]): WranglerTree => {
    const own = new Faults();
    const known = withKnownKeys(table, "wrangler", "environment", own);
    const tree = inheritInto(known, top, name, own);
    const scriptName = known.entries.get("name");
    return {
      environment: name,
      table: name,
      tree,
      tables: [undefined, name],
      faults: own,
      ...(scriptName && { scriptName }),
    };
  });
  return [whole, ...others];
}

/** Inheritable keys as a whole value, or not at all; what must be written again and is not, is dropped with a warning. */
function inheritInto(own: SourcedTable, top: SourcedTable, environment: string, faults: Faults): SourcedTable {
  const entries = new Map<string, Sourced>();
  for (const [key, node] of top.entries) {
    if (own.entries.has(key)) {
      entries.set(key, { ...own.entries.get(key)!, shadowed: node });
    } else if (inherits(key)) {
      entries.set(key, node);
    } else {
      faults.warning(
        "not-inherited",
        `"${key}" exists at the top level, but not on "env.${environment}": environments don't inherit it`,
        node.written,
        {
          part: "key",
          notes: [`Add \`${key}\` to \`env.${environment}\`.`],
        },
      );
    }
  }
  for (const [key, node] of own.entries) if (!entries.has(key)) entries.set(key, node);
  warnOfDomains(own, top, environment, faults);
  return { ...own, entries };
}

/** Top-level-only keys go for the whole file, so environments have them too. */
function inherits(key: string): boolean {
  return BINDING_GROUPS.get(key)?.inheritable ?? SETTING_KEYS[key]?.wrangler !== "separate";
}

function warnOfDomains(own: SourcedTable, top: SourcedTable, environment: string, faults: Faults): void {
  const routes = top.entries.get("routes");
  if (own.entries.has("routes") || routes?.kind !== "list") return;
  const domains = routes.items
    .filter((route) => at(route, ["custom_domain"])?.kind === "value" && plain(at(route, ["custom_domain"])!) === true)
    .map((route) => at(route, ["pattern"]))
    .flatMap((pattern) => (pattern ? [plain(pattern)] : []));
  if (domains.length === 0) return;
  faults.warning(
    "inherited-domain",
    `"env.${environment}" inherits the custom domain${domains.length > 1 ? "s" : ""} ${domains.join(", ")}: deploying it takes ${domains.length > 1 ? "them" : "it"} away from the top level`,
    routes.written,
    {
      part: "key",
      notes: [
        `Write \`routes = []\` (JSON: \`"routes": []\`) in \`env.${environment}\` to prevent that, or the routes again if it is meant.`,
      ],
    },
  );
}
