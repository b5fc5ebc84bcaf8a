/** Editing the config file of one service: worked out, proved by loading the result, and only then written. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { type ConfigEdit, editConfig, formatOf, parseConfig, writeConfig } from "../config/edit.ts";
import { loadWorkspace } from "../config/index.ts";
import { type Diagnostic, TroupeError } from "../errors.ts";
import { didYouMean } from "../lib/did-you-mean.ts";
import { type Environment, PRODUCTION, type Service, type Workspace } from "../model.ts";
import { type Selection, selectServices, selectWorkspace } from "./select.ts";

export interface EditTarget {
  service: Service;
  environment: Environment;
  /** Path of the table for what the environment writes itself: empty for the top level. */
  section: string[];
  /** The file as it is. */
  text: string;
  raw: RawConfig;
}

/** What a config file says about its environments, before any rules. */
export interface RawConfig {
  env?: Record<string, { extends?: unknown; unset?: unknown }>;
}

/** The model as it would be. */
export interface Edited {
  workspace: Workspace;
  environment: Environment;
}

/** A change may uncover what the next one is for; more rounds than this are a fault in here. */
const ROUNDS = 4;

/**
 * The one environment of the one service that a selection names.
 * @throws TroupeError CONFIG, NOT_FOUND; USAGE when it names several services
 */
export async function editTarget(selection: Selection): Promise<EditTarget> {
  const { workspace } = await selectWorkspace(selection);
  const services = selectServices(workspace, selection);
  if (services.length > 1) {
    throw new TroupeError("USAGE", "It is not clear whose config is meant", {
      notes: [`Choose a service with --service: ${services.map(({ name }) => name).join(", ")}`],
    });
  }
  const [service] = services as [Service];
  const name = selection.env || service.defaultEnvironment;
  const environment = service.environments[name];
  if (!environment) throw unknownEnvironment(service, name);
  const text = await readFile(service.configPath, "utf8");
  const raw = parseConfig(text, formatOf(service.configPath)) as RawConfig;
  return { service, environment, section: sectionOf(service, name, raw, selection.env !== undefined), text, raw };
}

/**
 * Edits the target's config file. `change` is asked again after each round, with the model as it would be by then, until it
 * has nothing more to change.
 * @throws TroupeError CONFIG with what would be wrong, CONFLICT when the file was changed meanwhile; then nothing is written
 */
export async function editInPlace(
  selection: Selection,
  { service, environment, text }: EditTarget,
  change: (environment: Environment, round: number) => readonly ConfigEdit[],
): Promise<Edited> {
  const file = service.configPath;
  let edited = text;
  let now: Edited | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const edits = change(now?.environment ?? environment, round);
    if (edits.length === 0 && now) {
      if ((await readFile(file, "utf8")) !== text) {
        throw new TroupeError("CONFLICT", `${file} was changed in the meantime`, { notes: ["Run the command again"] });
      }
      await writeConfig(file, edited);
      return now;
    }
    edited = editConfig(edited, formatOf(file), edits);
    now = await loadEdited(selection, service, environment.name, edited);
  }
  throw new TroupeError("INTERNAL", `editing ${file} comes to no end`);
}

/** @throws TroupeError CONFIG with every error that the edited file would have */
async function loadEdited(selection: Selection, service: Service, environment: string, text: string): Promise<Edited> {
  const { cwd, config, env, processEnv } = selection;
  const file = service.configPath;
  try {
    const { workspace } = await loadWorkspace({ cwd, config, env, processEnv, texts: new Map([[file, text]]) });
    const loaded = workspace.services.find(({ configPath }) => configPath === file)?.environments[environment];
    if (loaded) return { workspace, environment: loaded };
  } catch (error) {
    if (!(error instanceof TroupeError) || error.code !== "CONFIG") throw error;
    throw refused(error, file);
  }
  throw new TroupeError("INTERNAL", `${service.name}@${environment} is gone from the edited ${file}`);
}

/** Places in the edited text are none of the file on disk. */
function refused(error: TroupeError, file: string): TroupeError {
  const { message, location, notes } = error;
  const own: Diagnostic = { severity: "error", code: "config", message, notes, ...(location && { location }) };
  const diagnostics = (error.diagnostics.length > 0 ? error.diagnostics : [own]).map((diagnostic) => {
    if (diagnostic.location?.file !== file) return diagnostic;
    const { location: _, ...rest } = diagnostic;
    return rest;
  });
  const [first] = diagnostics as [Diagnostic];
  const unwritten = `Nothing was written to ${path.basename(file)}`;
  if (diagnostics.length === 1) {
    return new TroupeError("CONFIG", first.message, {
      ...(first.location && { location: first.location }),
      notes: [...(first.notes ?? []), unwritten],
      diagnostics: [],
      cause: error,
    });
  }
  return new TroupeError("CONFIG", `The edited config would have ${diagnostics.length} errors`, {
    notes: [unwritten],
    diagnostics,
    cause: error,
  });
}

/**
 * Production is the top level. `[env.production]` is meant only by whom names it: what stands there is not inherited.
 * In files of Wrangler's, an environment is the table of its name, and the top level any other.
 */
function sectionOf({ dialect }: Service, name: string, { env = {} }: RawConfig, explicit: boolean): string[] {
  const hasTable = Object.hasOwn(env, name);
  if (dialect === "wrangler" || name === PRODUCTION)
    return hasTable && (explicit || dialect === "wrangler") ? ["env", name] : [];
  return ["env", name];
}

function unknownEnvironment({ name: service, environments }: Service, name: string): TroupeError {
  const known = Object.keys(environments);
  const guess = didYouMean(name, known);
  return new TroupeError("NOT_FOUND", `Service "${service}" has no environment "${name}"`, {
    notes: [...(guess ? [`did you mean ${guess}?`] : []), `It has: ${known.join(", ")}`],
  });
}
