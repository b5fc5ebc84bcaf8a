/** Loads the workspace: finds all files, reads every service, and reports everything that is wrong at once. */
import { type Diagnostic, TroupeError, throwIfErrors } from "../errors.ts";
import { didYouMean } from "../lib/did-you-mean.ts";
import { refId, type Service, type Workspace } from "../model.ts";
import { checkCrons } from "./crons.ts";
import { Faults } from "./faults.ts";
import { dialectOf } from "./find.ts";
import { joinEnvironments } from "./join.ts";
import { withSwitches } from "./local-vars.ts";
import { type LoadedService, loadService, type ServiceOptions } from "./service.ts";
import type { SourcedTable } from "./sourced.ts";
import { findWorkspace, type Member } from "./workspace.ts";

export interface LoadOptions {
  /** Absolute folder. */
  cwd: string;
  /** -c: files (or folders that have one), relative to `cwd`. */
  config?: readonly string[];
  /** -e: it must be an environment of at least one service. An empty string is the top level. */
  env?: string;
  /** CLOUDFLARE_ENV counts where `env` is left out. */
  processEnv: Record<string, string | undefined>;
  /** The command line names the entry file of the first (or current) service: its `main` is not looked at. */
  mainGiven?: boolean;
  /** By absolute path, what to read instead of a file: for asking what an edit would mean. */
  texts?: ReadonlyMap<string, string>;
  /** For a missing `compatibility_date`. Default: the clock. */
  now?: Date;
}

export interface Loaded {
  workspace: Workspace;
  warnings: Diagnostic[];
  /** The tree behind each environment, by `service@environment`. */
  trees: Map<string, SourcedTable>;
}

/**
 * @throws TroupeError CONFIG with every error of all files and environments; NOT_FOUND for an environment that no
 *   service has
 */
export async function load(options: LoadOptions): Promise<Loaded> {
  const faults = new Faults();
  const { members, current, root, stages, otherFiles, memberFolders } = await findWorkspace(options, faults);
  const env = options.env ?? (await environmentFromProcess(options, members));
  const today = (options.now ?? new Date()).toISOString().slice(0, 10);
  const main = current ?? members[0];
  for (const { config } of members) if (config.ok && config.empty) reportEmpty(config.file, faults);
  const loaded = members
    .filter(({ config }) => config.ok && !config.empty)
    .map((member) => {
      const mainGiven = options.mainGiven === true && member === main;
      const asked = env && !hasOwnFile(member, members, env) && { env };
      const named = member.as && { topLevel: member.as.environment };
      return { member, ...loadMember(member, { today, mainGiven, faults, ...asked, ...named }) };
    });
  const joined = joinEnvironments(loaded, current, faults);
  checkServiceNames(joined, faults);
  await checkCrons(
    joined.flatMap(({ trees }) => [...trees.values()]),
    faults,
  );

  const diagnostics = await faults.diagnostics(options.cwd);
  throwIfErrors(
    "CONFIG",
    diagnostics,
    `${diagnostics.filter(({ severity }) => severity === "error").length} errors in the config`,
  );
  const services = joined.map(({ service }) => service);
  if (env) requireEnvironment(services, env);
  const workspace: Workspace = {
    root,
    services,
    ...(current && { current: joined.find(({ members: own }) => own.includes(current))!.service.name }),
    ...(stages && { stages }),
    files: [...new Set([...otherFiles, ...members.map(({ found }) => found.file)])],
    memberFolders,
  };
  const trees = joined.flatMap(({ service, trees: own }) =>
    [...own].map(([environment, tree]) => [refId({ service: service.name, environment }), tree] as const),
  );
  return { workspace, warnings: diagnostics, trees: new Map(trees) };
}

function reportEmpty(file: string, faults: Faults): void {
  faults.error("empty", "The config file is empty", undefined, {
    location: { file, line: 1, column: 1 },
    notes: ['A service needs a `name` and a `main`: name = "my-service", main = "src/index.ts"'],
  });
}

/** CLOUDFLARE_ENV, which for Wrangler's projects may also stand in a `.env` file where the command runs. */
async function environmentFromProcess(
  { cwd, processEnv }: LoadOptions,
  members: readonly Member[],
): Promise<string | undefined> {
  const wranglers = members.some(({ found }) => dialectOf(found.file) === "wrangler");
  const { CLOUDFLARE_ENV } = wranglers ? await withSwitches(cwd, processEnv) : processEnv;
  return CLOUDFLARE_ENV || undefined;
}

function loadMember({ found, config }: Member, options: ServiceOptions): LoadedService {
  return loadService(found, config.raw, options);
}

/** Whether another file is the environment asked for, or this one is all of an environment: then it is in no other. */
function hasOwnFile({ as, config }: Member, members: readonly Member[], env: string): boolean {
  if (as) return true;
  return members.some((other) => other.as?.service === config.raw.name && other.as?.environment === env);
}

function checkServiceNames(loaded: readonly LoadedService[], faults: Faults): void {
  const first = new Map<string, LoadedService>();
  for (const each of loaded) {
    const other = first.get(each.service.name);
    if (!other) {
      first.set(each.service.name, each);
      continue;
    }
    const place = ({ service }: LoadedService) => ({
      file: service.configPath,
      path: ["name"],
      environment: service.defaultEnvironment,
    });
    faults.error(
      "duplicate-service",
      `Two services of the workspace have the name "${each.service.name}"`,
      place(each),
      {
        notes: [{ text: "the other one is at", at: place(other) }],
      },
    );
  }
}

/** @throws TroupeError NOT_FOUND */
function requireEnvironment(services: readonly Service[], env: string): void {
  if (services.some(({ environments }) => Object.hasOwn(environments, env))) return;
  const known = [...new Set(services.flatMap(({ environments }) => Object.keys(environments)))];
  const guess = didYouMean(env, known);
  const who = services.length === 1 ? `${services[0]!.name} has` : "No service here has";
  throw new TroupeError("NOT_FOUND", `${who} ${services.length === 1 ? "no" : "an"} environment "${env}"`, {
    notes: [...(guess ? [`did you mean "${guess}"?`] : []), `environments: ${known.join(", ")}`],
  });
}
