/** Which target a command speaks to, and which services and environments it means there. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { TroupeError } from "../errors.ts";
import { didYouMean } from "../lib/did-you-mean.ts";
import { type EnvironmentRef, PRODUCTION, type Workspace } from "../model.ts";
import { openStore, STORE_FILE, type Store, storeError } from "../store/index.ts";
import { type LocalTargetOptions, openLocalTarget } from "../targets/local/index.ts";
import type { Target } from "../targets/target.ts";
import { type Selection, selectWorkspace } from "./select.ts";
import { ensureStateFolder, stateDir } from "./state.ts";

/** What every command that speaks to a target has. */
export interface TargetSelection extends Selection {
  target?: string;
  stateDir?: string;
  now(): Date;
  /** Instead of the trial start of the local target. */
  trial?: LocalTargetOptions["trial"];
}

export interface OpenTarget {
  target: Target;
  /** The config around, when there is one that can be read. */
  workspace?: Workspace;
}

/**
 * Runs `work` with the chosen target, and closes it.
 * @param options.create makes the store when there is none; with `dryRun` it is gone again at the end
 * @throws TroupeError USAGE for a target that there is not; NOT_FOUND when nothing was deployed yet; what `work` throws
 */
export async function withTarget<T>(
  selection: TargetSelection,
  options: { create?: boolean; dryRun?: boolean; workspace?: Workspace },
  work: (open: OpenTarget) => Promise<T>,
): Promise<T> {
  const workspace = options.workspace ?? (await readableWorkspace(selection));
  if (targetName(selection) === "cloudflare") return withCloudflare(selection, workspace, work);
  const own = stateFolder(selection, workspace);
  const isPassing = options.create && options.dryRun && !existsSync(path.join(own, STORE_FILE));
  const folder = isPassing ? await mkdtemp(path.join(os.tmpdir(), "troupe-dry-run-")) : own;
  const target = await openTarget(selection, folder, options.create === true);
  try {
    return await work({ target, ...(workspace && { workspace }) });
  } catch (error) {
    // A store may turn out to be damaged wherever it is read.
    throw storeError(error, path.join(folder, STORE_FILE));
  } finally {
    await target.close();
    if (isPassing) await rm(folder, { recursive: true, force: true });
  }
}

const TARGETS = ["local", "cloudflare"] as const;

/** @throws TroupeError USAGE for a target that there is not */
export function targetName({ target = "local" }: Pick<TargetSelection, "target">): (typeof TARGETS)[number] {
  const found = TARGETS.find((name) => name === target);
  if (found) return found;
  const guess = didYouMean(target, TARGETS);
  throw new TroupeError("USAGE", `There is no target "${target}"`, {
    notes: [...(guess ? [`did you mean "${guess}"?`] : []), `targets: ${TARGETS.join(", ")}`],
  });
}

/** Nothing is kept on this machine; what its own store has may spare a download. */
async function withCloudflare<T>(
  selection: TargetSelection,
  workspace: Workspace | undefined,
  work: (open: OpenTarget) => Promise<T>,
): Promise<T> {
  const { openCloudflareTarget } = await import("../targets/cloudflare/index.ts");
  const { cwd, processEnv } = selection;
  const folder = stateFolder(selection, workspace);
  const hasStore = existsSync(path.join(folder, STORE_FILE));
  let store: Store | undefined;
  const localBundle = (contentHash: string) => {
    try {
      store ??= openStore(folder, { mustExist: true });
      return store.findBundle(contentHash);
    } catch {
      // Damaged: then the code is downloaded.
      return undefined;
    }
  };
  const target = await openCloudflareTarget({
    cwd,
    processEnv,
    ...(workspace && { workspace }),
    ...(hasStore && { localBundle }),
  });
  try {
    return await work({ target, ...(workspace && { workspace }) });
  } finally {
    await target.close();
    store?.close();
  }
}

async function openTarget(selection: TargetSelection, folder: string, create: boolean): Promise<Target> {
  if (create) await ensureStateFolder(folder, folder);
  const { now, trial } = selection;
  return openLocalTarget({ folder, now, mustExist: !create, ...(trial && { trial }) });
}

/**
 * The state folder: the one asked for, the nearest one upwards that has a store, or the workspace's own. A store is found
 * without its config, since one that has errors must not stand between people and a rollback.
 */
function stateFolder(selection: TargetSelection, workspace: Workspace | undefined): string {
  const { cwd, processEnv } = selection;
  const chosen = stateDir(workspace?.root ?? cwd, { stateDir: selection.stateDir, cwd, processEnv });
  if (workspace || selection.stateDir || processEnv.TROUPE_STATE_DIR) return chosen;
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, ".troupe", STORE_FILE))) return path.join(folder, ".troupe");
    if (path.dirname(folder) === folder) return chosen;
  }
}

/** The workspace, if there is one and it has no errors: what is deployed can be looked at without. */
export async function readableWorkspace(selection: TargetSelection): Promise<Workspace | undefined> {
  try {
    return (await selectWorkspace({ ...selection, env: undefined })).workspace;
  } catch (error) {
    if (error instanceof TroupeError && error.code === "CONFIG" && !selection.config) return undefined;
    throw error;
  }
}

/**
 * The services that a verb is about: those named, else the one whose folder the command stands in, else the only one.
 * @throws TroupeError USAGE when that leaves a choice
 */
export async function chosenServices({ target, workspace }: OpenTarget, selection: TargetSelection): Promise<string[]> {
  if (selection.service) return [...selection.service];
  if (workspace?.current) return [workspace.current];
  const known = new Set([
    ...(workspace?.services ?? []).map(({ name }) => name),
    ...(await target.list()).map(({ service }) => service),
  ]);
  if (known.size === 1) return [...known];
  throw new TroupeError("USAGE", "Which service is meant? Say --service, or stand in its folder", {
    notes: [`services: ${[...known].sort().join(", ") || "none yet"}`],
  });
}

/** Like `chosenServices`, for verbs that are about one. */
export async function chosenService(open: OpenTarget, selection: TargetSelection): Promise<string> {
  const [service, ...others] = await chosenServices(open, selection);
  if (others.length === 0) return service!;
  throw new TroupeError("USAGE", "This is about one service: name --service once");
}

/**
 * Services of a verb that takes --graph: at the root of a workspace, all that have the environment.
 * @param options.empty also those where nothing was deployed to it yet
 * @throws TroupeError USAGE, NOT_FOUND
 */
export async function graphServices(
  open: OpenTarget,
  selection: TargetSelection,
  environment: string,
  graph: boolean,
  { empty = false }: { empty?: boolean } = {},
): Promise<string[]> {
  if (!graph || selection.service || open.workspace?.current) return chosenServices(open, selection);
  const all = (await open.target.list()).filter(
    ({ name, version }) => name === environment && (empty || version !== undefined),
  );
  if (all.length > 0) return all.map(({ service }) => service);
  throw new TroupeError("NOT_FOUND", `No service has a deployed environment "${environment}"`, {
    notes: ["See `troupe env list`"],
  });
}

/** One environment: `--env`, else production. */
export async function chosenEnvironment(open: OpenTarget, selection: TargetSelection): Promise<EnvironmentRef> {
  return { service: await chosenService(open, selection), environment: selection.env ?? PRODUCTION };
}
