/** Makes services with environments of the Wrangler projects that are there, so that every other verb works on them. */
import { existsSync } from "node:fs";
import path from "node:path";
import { loadWorkspace } from "../config/index.ts";
import { type Diagnostic, type Location, TroupeError } from "../errors.ts";
import { replaceFile } from "../lib/replace-file.ts";
import { type EnvironmentRef, PRODUCTION, refId, type Workspace } from "../model.ts";
import { STORE_FILE } from "../store/index.ts";
import type { ChangeResult } from "../targets/target.ts";
import { findProjects, type Group, groupProjects, type Project } from "./adopt-projects.ts";
import { deploy } from "./deploy.ts";
import { type TargetSelection, withTarget } from "./target.ts";

export interface AdoptOptions extends TargetSelection {
  dryRun?: boolean;
  /** Deploys every environment, too. */
  deploy?: boolean;
  signal?: AbortSignal;
  onCommandOutput?(service: string, line: string): void;
}

export interface AdoptedEnvironment {
  name: string;
  /** The name of its Worker on Cloudflare's network. */
  scriptName: string;
  /** The config file that says what it is. */
  config: string;
  /** False: the target has it already. */
  made: boolean;
}

export interface AdoptReport {
  /** The workspace: where state lies. */
  root: string;
  services: { service: string; environments: AdoptedEnvironment[] }[];
  /** The root file that several projects need, when there was none. */
  written?: { file: string; text: string };
  deployments: ChangeResult[];
  dryRun: boolean;
  warnings: Diagnostic[];
}

/** How far below the folder projects are looked for. */
const DEPTH = 4;

/**
 * @throws TroupeError NOT_FOUND when there is no project; CONFIG; with `deploy`, what deploying throws: then the environments
 *   are made all the same
 */
export async function adopt(options: AdoptOptions): Promise<AdoptReport> {
  const { workspace, written, warnings } = await workspaceToAdopt(options);
  const dryRun = options.dryRun === true;
  const refs = workspace.services.flatMap(({ name, environments }) =>
    Object.keys(environments).map((environment) => ({ service: name, environment })),
  );
  const missing = await missingIn(options, workspace, refs);
  if (!dryRun && written) await replaceFile(written.file, written.text);
  if (!dryRun && missing.length > 0) {
    await withTarget(options, { create: true, workspace }, async ({ target }) => {
      await target.create(missing, {});
    });
  }
  const deployments = options.deploy && !dryRun ? await deployAll(options, workspace) : [];
  const made = new Set(missing.map(refId));
  return {
    root: workspace.root,
    services: workspace.services.map(({ name, environments }) => ({
      service: name,
      environments: Object.values(environments).map((environment) => ({
        name: environment.name,
        scriptName: environment.scriptName,
        config: environment.configPath,
        made: made.has(refId({ service: name, environment: environment.name })),
      })),
    })),
    ...(written && { written }),
    deployments,
    dryRun,
    warnings,
  };
}

interface Found {
  workspace: Workspace;
  written?: { file: string; text: string };
  warnings: Diagnostic[];
}

/** A workspace that is there already; else what lies in and below the folder, with a root file if that takes one. */
async function workspaceToAdopt({ cwd, config, processEnv }: AdoptOptions): Promise<Found> {
  const load = (more: { config?: string[]; texts?: Map<string, string> }) =>
    // The files as they are: no environment is in use.
    loadWorkspace({ cwd, env: "", processEnv, ...more });
  const root = path.join(cwd, "troupe.toml");
  if (config || existsSync(root)) return load({ ...(config && { config }) });
  const { projects, warnings } = await sound(await findProjects(cwd, DEPTH), load);
  const { groups, doubles } = groupProjects(projects);
  const [only] = groups;
  if (!only) return load({});
  const here = path.dirname(only.project.file) === cwd && path.basename(only.project.file).split(".").length === 2;
  if (groups.length === 1 && only.files.size === 0 && here) return load({});
  const inside = await rootAround(cwd, load);
  if (inside) return inside;
  const text = rootFile(cwd, groups);
  const found = await load({ config: [root], texts: new Map([[root, text]]) });
  warnings.push(...otherStores(cwd, projects));
  for (const { file, name } of doubles) warnings.push(leftOut(file, `there is another ${name}`));
  return { ...found, written: { file: root, text }, warnings: [...warnings, ...found.warnings] };
}

/**
 * Of several projects, those that have no errors: an example that is broken must not stand in the way of all others.
 * @throws TroupeError CONFIG when none is left
 */
async function sound(
  projects: Project[],
  load: (more: { config: string[] }) => Promise<unknown>,
): Promise<{ projects: Project[]; warnings: Diagnostic[] }> {
  if (projects.length < 2) return { projects, warnings: [] };
  const checked = await Promise.all(
    projects.map(async (project) => {
      const error = await load({ config: [project.file] }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error !== undefined && !(error instanceof TroupeError && error.code === "CONFIG")) throw error;
      return { project, error };
    }),
  );
  if (checked.every(({ error }) => error)) throw checked[0]!.error;
  return {
    projects: checked.filter(({ error }) => !error).map(({ project }) => project),
    warnings: checked.flatMap(({ project, error }) =>
      error ? [leftOut(project.file, error.message, error.diagnostics[0]?.location)] : [],
    ),
  };
}

/** State lies at the root: what a project has deployed on its own so far is not seen from there. */
function otherStores(root: string, projects: readonly Project[]): Diagnostic[] {
  const stores = projects.map(({ file }) => path.join(path.dirname(file), ".troupe", STORE_FILE));
  return [...new Set(stores)]
    .filter((file) => path.dirname(path.dirname(file)) !== root && existsSync(file))
    .map((file) => ({
      severity: "warning",
      code: "other-store",
      message: `${path.dirname(file)} holds what was deployed in that folder alone; a workspace has its state at its root`,
      notes: [`To look at it: troupe env list --state-dir ${path.dirname(file)}`],
    }));
}

function leftOut(file: string, why: string, location: Location = { file, line: 1, column: 1 }): Diagnostic {
  return { severity: "warning", code: "left-out", message: `Left out: ${why}`, location };
}

/** The workspace that the folder is in, if a root file above lists what lies here. */
async function rootAround(cwd: string, load: (more: object) => Promise<Found>): Promise<Found | undefined> {
  const found = await load({}).catch((error: unknown) => {
    if (error instanceof TroupeError && error.code === "CONFIG") return undefined;
    throw error;
  });
  return found && found.workspace.root !== cwd && found.workspace.memberFolders.length > 0 ? found : undefined;
}

/** The file that makes projects a workspace. */
function rootFile(root: string, groups: readonly Group[]): string {
  const relative = (file: string) => path.relative(root, file).replaceAll(path.sep, "/");
  const member = (file: string) =>
    // A folder stands for its config; in the root itself, and for variants, the file has to be named.
    /^wrangler\.(toml|jsonc?)$|^troupe\.toml$/.test(path.basename(file)) && path.dirname(file) !== root
      ? relative(path.dirname(file))
      : relative(file);
  const members = groups.filter(({ files }) => !files.has(PRODUCTION)).map(({ project }) => member(project.file));
  const list = members.map((each) => JSON.stringify(each));
  const lines = ["[workspace]"];
  if (list.join(", ").length < 80) lines.push(`members = [${list.join(", ")}]`);
  else lines.push("members = [", ...list.map((each) => `  ${each},`), "]");
  for (const { name, files } of groups.filter((group) => group.files.size > 0)) {
    lines.push("", "# Config files that are one environment each", `[workspace.services.${name}]`);
    for (const [environment, { file }] of files) lines.push(`${environment} = ${JSON.stringify(relative(file))}`);
  }
  return `${lines.join("\n")}\n`;
}

async function missingIn(
  options: AdoptOptions,
  workspace: Workspace,
  refs: readonly EnvironmentRef[],
): Promise<EnvironmentRef[]> {
  try {
    return await withTarget(options, { workspace }, async ({ target }) => {
      const known = new Set((await target.list()).map(({ service, name }) => `${service}@${name}`));
      return refs.filter((ref) => !known.has(refId(ref)));
    });
  } catch (error) {
    if (error instanceof TroupeError && error.code === "NOT_FOUND") return [...refs];
    throw error;
  }
}

/** Environment by environment, production first: others may bind it. */
async function deployAll(options: AdoptOptions, workspace: Workspace): Promise<ChangeResult[]> {
  const names = new Set(workspace.services.flatMap(({ environments }) => Object.keys(environments)));
  const results: ChangeResult[] = [];
  for (const name of [...names].sort((a, b) => Number(b === PRODUCTION) - Number(a === PRODUCTION))) {
    const service = workspace.services.filter(({ environments }) => environments[name]).map((each) => each.name);
    const config = options.config ?? configOf(workspace);
    const report = await deploy({ ...options, ...(config && { config }), env: name, service });
    results.push(...report.results);
  }
  return results;
}

/** The root file, or the one config there is. */
function configOf({ root, files }: Workspace): string[] | undefined {
  const file = path.join(root, "troupe.toml");
  return files.includes(file) ? [file] : undefined;
}
