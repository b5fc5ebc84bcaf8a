/** Rules of one environment that concern several keys at once. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { kindOf } from "../bindings/index.ts";
import type { Environment, Written } from "../model.ts";
import type { Faults } from "./faults.ts";
import { display } from "./issues.ts";
import type { SourcedTable } from "./sourced.ts";

interface Context {
  /** What stands in for a missing `compatibility_date`, YYYY-MM-DD. */
  today: string;
  /** True when the command line names the entry file: `main` need not be right then. */
  mainGiven: boolean;
  faults: Faults;
}

/** @param settings as checked, by top-level key */
export function checkTogether(
  environment: Environment,
  settings: Record<string, unknown>,
  tree: SourcedTable,
  context: Context,
): void {
  checkRoutes(tree, context.faults);
  checkClasses(environment, tree, context.faults);
  checkDate(tree, context);
  checkMain(environment, settings, tree, context);
  checkVariables(environment, context.faults);
  if (environment.settings.site !== undefined) {
    context.faults.warning(
      "unsupported-key",
      "Workers Sites (`site`) are not supported",
      tree.entries.get("site")!.written,
      {
        part: "key",
        notes: ["Static assets have replaced them: https://developers.cloudflare.com/workers/static-assets/"],
      },
    );
  }
}

/** An inherited `route` beside an own `routes` is overridden; only both in one table are a contradiction. */
function checkRoutes(tree: SourcedTable, faults: Faults): void {
  const [route, routes] = [tree.entries.get("route")?.written, tree.entries.get("routes")?.written];
  if (!route || !routes || tableOf(route) !== tableOf(routes)) return;
  faults.error("exclusive-keys", "`route` and `routes` are both written; keep one", route, { part: "key" });
}

const tableOf = ({ path }: Written) => (path[0] === "env" ? path[1] : undefined);

/** Durable Object classes: one way to say what there is, and in Wrangler's files it has to be said. */
function checkClasses(environment: Environment, tree: SourcedTable, faults: Faults): void {
  const { migrations, settings, dialect } = environment;
  const exported = Object.entries((settings.exports ?? {}) as Record<string, { type: string; state?: string }>).filter(
    ([, { type }]) => type === "durable-object",
  );
  if (migrations.length > 0) {
    if (exported.length === 0) return;
    faults.error(
      "exclusive-keys",
      "`migrations` and `exports` are both written; keep one",
      tree.entries.get("migrations")?.written,
      {
        part: "key",
        notes: ["`exports` says what there is; `migrations` say how it came about."],
      },
    );
    return;
  }
  if (dialect !== "wrangler") return;
  const live = exported.filter(([, { state = "created" }]) => ["created", "expecting-transfer"].includes(state));
  const undeclared = ownClasses(environment).filter(({ className }) => !live.some(([name]) => name === className));
  const [first] = undeclared;
  if (!first) return;
  const names = undeclared.map(({ className }) => className);
  faults.warning(
    "no-migrations",
    `Neither \`migrations\` nor \`exports\` say how ${names.join(", ")} store${names.length > 1 ? "" : "s"} data: it is SQLite here, but a deploy needs it said`,
    first.written,
    {
      notes: [`Write \`migrations\` with \`tag = "v1"\` and \`new_sqlite_classes = ${JSON.stringify(names)}\`.`],
    },
  );
}

/** Classes of Durable Objects that the service binds of itself. */
function ownClasses({ bindings }: Environment): { className: string; written: Written }[] {
  return bindings.flatMap((binding) => {
    const references = kindOf(binding).references?.(binding) ?? [];
    return references.flatMap(({ role, service, exportName }) =>
      role === "durable-object" && service === undefined && exportName !== undefined
        ? [{ className: exportName, written: binding.written }]
        : [],
    );
  });
}

function checkDate(tree: SourcedTable, { today, faults }: Context): void {
  if (tree.entries.has("compatibility_date")) return;
  const message = `No \`compatibility_date\` is written; using today, ${today}`;
  faults.warning("no-compatibility-date", message, tree.introduced, {
    notes: [`Write \`compatibility_date = "${today}"\`, so that the runtime's behaviour stays as it is.`],
  });
}

/** https://developers.cloudflare.com/workers/platform/limits/#environment-variables */
const MAX_VARIABLES = { free: 64, paid: 128 };

function checkVariables({ bindings, service, name }: Environment, faults: Faults): void {
  const values = bindings.filter((binding) => kindOf(binding).processEnv);
  const first = values[MAX_VARIABLES.free];
  if (!first) return;
  const { free, paid } = MAX_VARIABLES;
  const message = `${service}@${name} has ${values.length} variables and secrets; the platform allows ${paid}, and ${free} on its free plan`;
  faults.warning("too-many-variables", message, first.written, {
    notes: ["Several can be one: a variable may be a table, whose values the code reads by name."],
  });
}

/** Whether the package of a folder says how it is built. */
function hasBuildScript(folder: string): boolean {
  try {
    const manifest = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as {
      scripts?: { build?: unknown };
    };
    return typeof manifest.scripts?.build === "string";
  } catch {
    return false;
  }
}

function checkMain(
  { main }: Environment,
  settings: Record<string, unknown>,
  tree: SourcedTable,
  { mainGiven, faults }: Context,
): void {
  const written = tree.entries.get("main")?.written;
  if (mainGiven) return;
  if (!written) {
    // Static assets need no code; Workers Sites bring their own.
    if (tree.entries.has("assets") || tree.entries.has("site")) return;
    const pages = tree.entries.has("pages_build_output_dir");
    faults.error("no-main", "There is no `main`, so there is nothing to run", tree.introduced, {
      notes: pages
        ? ["This is a Pages project. Write `main`, or `assets` with the build output as its `directory`."]
        : ['Write `main = "src/index.ts"`, or `[assets]` for static files alone.'],
    });
  } else if (
    main !== undefined &&
    !existsSync(main) &&
    !(settings.build as { command?: string } | undefined)?.command
  ) {
    const built = hasBuildScript(path.dirname(written.file))
      ? ["If the build of package.json makes it, run that first: `npm run build`."]
      : [];
    faults.error("missing-main", `\`${display(written.path)}\`: there is no file ${main}`, written, {
      notes: ["Correct the path (it starts from the config's folder), or make the file.", ...built],
    });
  }
}
