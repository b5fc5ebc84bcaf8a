/** Builds services and puts them, with what they bind, into a target: the whole graph as one operation. */
import path from "node:path";
import { kindOf } from "../bindings/index.ts";
import { type Diagnostic, TroupeError, throwIfErrors } from "../errors.ts";
import { closure } from "../graph/index.ts";
import { didYouMean } from "../lib/did-you-mean.ts";
import { changedSince, gitAuthor, gitInfo } from "../lib/git.ts";
import { type Environment, type EnvironmentRef, PRODUCTION, refId, type Service, type Workspace } from "../model.ts";
import { refuseProtected } from "../targets/promotion.ts";
import type {
  ChangeReport,
  ChangeResult,
  DeployItem,
  EnvironmentInfo,
  NewEnvironment,
  Target,
} from "../targets/target.ts";
import { checkEnvironments } from "./bindings-check.ts";
import { buildAll } from "./build.ts";
import { checkBase } from "./environments.ts";
import { checkSecretNames, readSecrets } from "./secrets.ts";
import { selectServices, selectWorkspace } from "./select.ts";
import { type TargetSelection, withTarget } from "./target.ts";
import { unrecorded } from "./unrecorded.ts";

export interface DeployOptions extends TargetSelection {
  tag?: string;
  message?: string;
  dryRun?: boolean;
  /** Leaves out services that git says are as they were when they were deployed. */
  changed?: boolean;
  allowDataLoss?: boolean;
  /** Makes the environment when neither the config nor the target has it. */
  create?: boolean;
  /** What an environment that is made starts from. */
  from?: string;
  /** JSON or .env file of secrets to set. */
  secretsFile?: string;
  minify?: boolean;
  /** Share of the traffic that the new versions get at first. */
  percentage?: number;
  signal?: AbortSignal;
  onCommandOutput?(service: string, line: string): void;
  onProgress?(message: string): void;
}

export interface DeployReport extends ChangeReport {
  dryRun: boolean;
}

/** An environment that is to be deployed, and why when it was not asked for. */
interface Chosen {
  service: Service;
  environment: Environment;
  /** Set when neither the config nor the target has it. */
  create?: NewEnvironment;
}

/**
 * @throws TroupeError CONFIG, NOT_FOUND, BUILD, START; PROTECTED; PRECONDITION for what stands in the way. Nothing is
 *   changed then.
 */
export async function deploy(options: DeployOptions): Promise<DeployReport> {
  if (options.tag !== undefined) checkTag(options.tag);
  const { workspace, warnings } = await workspaceFor(options);
  return withTarget(options, { create: true, dryRun: options.dryRun === true, workspace }, async ({ target }) => {
    const chosen = await choose(target, workspace, options);
    const { signal } = options;
    refuseSplit(target, options);
    if (chosen.length === 0) return { results: [], warnings, dryRun: options.dryRun === true };
    options.onProgress?.(`Building ${chosen.map(({ service }) => service.name).join(", ")}`);
    const built = await buildAll(
      chosen.map(({ environment }) => environment),
      {
        ...options,
        ...(options.minify !== undefined && { overrides: { minify: options.minify } }),
      },
    );
    await check(target, workspace, built);
    const secrets = options.secretsFile === undefined ? undefined : await readSecrets(options.secretsFile, options.cwd);
    const items = built.map(({ environment, bundle }): DeployItem => {
      const own = secrets && secretsOf(environment, secrets, built.length === 1);
      if (own) checkSecretNames(own);
      const { service, create } = chosen.find((each) => each.service.name === environment.service)!;
      const item = { environment, bundle, sourceConfig: service.source, ...(service.files && { joined: service }) };
      return { ...item, ...(own && { secrets: own }), ...(create && { create }) };
    });
    const [git, author] = await Promise.all([gitInfo(workspace.root), gitAuthor(workspace.root)]);
    options.onProgress?.(`Deploying ${items.map(({ environment }) => idOf(environment)).join(", ")}`);
    const report = await target.deploy({
      items,
      workspace,
      ...(options.tag !== undefined && { tag: options.tag }),
      ...(options.message !== undefined && { message: options.message }),
      ...(git && { git }),
      ...(author && { author }),
      dryRun: options.dryRun === true,
      allowDataLoss: options.allowDataLoss === true,
      ...(options.percentage !== undefined && { percentage: options.percentage }),
      ...(signal && { signal }),
      ...(options.onProgress && { onProgress: options.onProgress }),
    });
    return {
      results: report.results,
      warnings: [
        ...warnings,
        ...built.flatMap((each) => each.warnings),
        ...report.warnings,
        ...(await unrecorded(target, report.results, options)),
      ],
      dryRun: options.dryRun === true,
    };
  });
}

/** @throws TroupeError USAGE for a tag that nobody could say, or that would break a list */
function checkTag(tag: string): void {
  if (/^[^\p{Cc}]{1,100}$/u.test(tag) && tag.trim() !== "") return;
  throw new TroupeError("USAGE", "A tag is one line of 1 to 100 characters");
}

/** @throws TroupeError USAGE for a share that is none, or that the target cannot give */
function refuseSplit({ id, rollout }: Target, { percentage }: DeployOptions): void {
  if (percentage === undefined) return;
  if (!(percentage > 0 && percentage <= 100)) {
    throw new TroupeError("USAGE", `--percentage ${percentage}: a share is more than 0 and at most 100`);
  }
  if (rollout) return;
  throw new TroupeError("USAGE", `The target "${id}" cannot split traffic between versions`, {
    notes: ["Leave --percentage out, or deploy with --target cloudflare"],
  });
}

/** The environment named may be one that only the target has: then the files are read without it. */
async function workspaceFor(options: DeployOptions): Promise<{ workspace: Workspace; warnings: Diagnostic[] }> {
  try {
    return await selectWorkspace(options);
  } catch (error) {
    if (!(error instanceof TroupeError) || error.code !== "NOT_FOUND" || options.env === undefined) throw error;
    return selectWorkspace({ ...options, env: "" });
  }
}

async function choose(target: Target, workspace: Workspace, options: DeployOptions): Promise<Chosen[]> {
  const services = selectServices(workspace, options);
  if (options.env === undefined) refuseUnnamed(services);
  const env = options.env || undefined;
  const named = (service: Service) => env ?? service.defaultEnvironment;
  let chosen: Chosen[] = [];
  for (const service of services) {
    const found = await resolveOrMake(target, service, named(service), options);
    if (found) chosen.push(found);
  }
  if (chosen.length === 0) throw await noSuchEnvironment(target, services, env ?? PRODUCTION);
  if (options.changed) chosen = await onlyChanged(target, workspace, chosen);
  const listed = await target.list();
  refuseClosed(listed, chosen);
  return bringAlong({ target, listed, workspace }, chosen, options);
}

/** Whoever has several environments, one of them protected, says which is meant. */
function refuseUnnamed(services: readonly Service[]): void {
  for (const { name, environments, defaultEnvironment } of services) {
    const all = Object.values(environments);
    if (defaultEnvironment !== PRODUCTION || all.length < 2 || !all.some((each) => each.protected)) continue;
    const names = all.map((each) => (each.protected ? `${each.name} (protected)` : each.name));
    throw new TroupeError("PROTECTED", `${name} has several environments, and a protected one: say which with --env`, {
      notes: [`environments: ${names.join(", ")}`],
    });
  }
}

/** The target refuses them as well; here nothing has been built yet. @throws TroupeError PROTECTED */
function refuseClosed(listed: readonly EnvironmentInfo[], chosen: readonly Chosen[]): void {
  const closed = idsOf(listed.filter((each) => each.protected));
  for (const { environment } of chosen) {
    const ref = { service: environment.service, environment: environment.name };
    refuseProtected(ref, environment.protected || closed.has(refId(ref)));
  }
}

function idsOf(listed: readonly EnvironmentInfo[]): Set<string> {
  return new Set(listed.map(({ service, name }) => refId({ service, environment: name })));
}

async function resolveOrMake(
  target: Target,
  service: Service,
  name: string,
  options: DeployOptions,
): Promise<Chosen | undefined> {
  const known = await target.resolve(service, name);
  if (known) return { service, environment: known };
  if (!options.create) return undefined;
  const stored = await target.list(service.name);
  checkBase(service.name, options.from, [...Object.keys(service.environments), ...stored.map((each) => each.name)]);
  const create = options.from === undefined ? {} : { base: options.from };
  return { service, environment: (await target.resolve(service, name, create))!, create };
}

async function noSuchEnvironment(target: Target, services: readonly Service[], env: string): Promise<TroupeError> {
  const stored = (await target.list()).filter(({ service }) => services.some(({ name }) => name === service));
  const known = [
    ...new Set([
      ...services.flatMap(({ environments }) => Object.keys(environments)),
      ...stored.map(({ name }) => name),
    ]),
  ];
  const guess = didYouMean(env, known);
  return new TroupeError("NOT_FOUND", `There is no environment "${env}"`, {
    notes: [
      ...(guess ? [`did you mean "${guess}"?`] : []),
      `environments: ${known.join(", ")}`,
      `To make it: write [env.${env}] into the config, say --create, or clone another (troupe env clone)`,
    ],
  });
}

/** Those that git knows to be different from what is deployed; all where git cannot tell. */
async function onlyChanged(target: Target, workspace: Workspace, chosen: readonly Chosen[]): Promise<Chosen[]> {
  const dirs = workspace.services.map(({ dir }) => dir + path.sep);
  const result: Chosen[] = [];
  for (const each of chosen) {
    const ref = { service: each.service.name, environment: each.environment.name };
    const active = (await target.list(ref.service)).find(({ name }) => name === ref.environment)?.version;
    const git = active === undefined ? undefined : (await target.version(ref)).git;
    const files = git?.commit && !git.dirty ? await changedSince(workspace.root, git.commit) : undefined;
    // What lies in no service's folder may be used by all of them.
    const own = (file: string) =>
      file.startsWith(each.service.dir + path.sep) || !dirs.some((dir) => file.startsWith(dir));
    if (files === undefined || files.some(own)) result.push(each);
  }
  return result;
}

/**
 * Adds what the chosen services bind: in the same environment, as the graph is deployed whole (unless services were named
 * one by one); in another, if it was never deployed, since nothing could run without it.
 */
async function bringAlong(
  { target, listed, workspace }: { target: Target; listed: readonly EnvironmentInfo[]; workspace: Workspace },
  chosen: readonly Chosen[],
  options: DeployOptions,
): Promise<Chosen[]> {
  const deployed = idsOf(listed.filter(({ version }) => version !== undefined));
  const closed = idsOf(listed.filter((each) => each.protected));
  const all = new Map(chosen.map((each) => [idOf(each.environment), each]));
  const whole = options.service === undefined && options.changed !== true;
  for (;;) {
    const resolved = withEnvironments(workspace, [...all.values()]);
    const graph = closure(
      resolved,
      [...all.values()].map(({ environment }) => environment),
    );
    const added = [...graph.environments].filter(([id, environment]) => {
      if (all.has(id)) return false;
      const same = whole && chosen.some((each) => each.environment.name === environment.name);
      return (same || !deployed.has(id)) && !environment.protected && !closed.has(id);
    });
    if (added.length === 0) {
      return graph.order.flatMap((id) => all.get(id) ?? []);
    }
    for (const [id, environment] of added) {
      const service = workspace.services.find(({ name }) => name === environment.service)!;
      const known = (await target.resolve(service, environment.name)) ?? environment;
      all.set(id, { service, environment: known });
    }
  }
}

/** The workspace, with environments that only the target knows. */
function withEnvironments(workspace: Workspace, chosen: readonly Chosen[]): Workspace {
  const services = workspace.services.map((service) => {
    const own = chosen.filter((each) => each.service.name === service.name).map(({ environment }) => environment);
    const environments = Object.fromEntries(own.map((environment) => [environment.name, environment]));
    return { ...service, environments: { ...service.environments, ...environments } };
  });
  return { ...workspace, services };
}

/**
 * Checks bindings against the code, with places in the files. What the workspace does not have may be deployed already.
 * @throws TroupeError CONFIG
 */
async function check(target: Target, workspace: Workspace, built: Awaited<ReturnType<typeof buildAll>>): Promise<void> {
  const environments = built.map(({ environment }) => environment);
  const whole = await withDeployed(target, workspace, environments);
  const bundles = new Map(
    built.map(({ environment, bundle }) => [idOf(environment), { bundle, warnings: [] as Diagnostic[] }]),
  );
  const diagnostics = await checkEnvironments({ workspace: whole, environments, built: bundles });
  throwIfErrors("CONFIG", diagnostics, `${diagnostics.length} things are wrong with the bindings`);
}

async function withDeployed(
  target: Target,
  workspace: Workspace,
  environments: readonly Environment[],
): Promise<Workspace> {
  const own = environments.map((environment) => ({
    environment,
    service: workspace.services.find(({ name }) => name === environment.service)!,
  }));
  const base = withEnvironments(workspace, own);
  const missing = closure(base, environments).edges.filter(({ resolution }) => !resolution.environment);
  if (missing.length === 0) return base;
  const wanted = new Set(missing.map(({ resolution }) => resolution.ref.service));
  const listed = await Promise.all([...wanted].map((service) => target.list(service)));
  const found = listed.flat().filter(({ version }) => version !== undefined);
  const services = [...base.services];
  for (const { service, name } of found) {
    const { environment } = await target.version({ service, environment: name });
    const at = services.findIndex((each) => each.name === service);
    const known = services[at] ?? storedService(environment);
    const merged = { ...known, environments: { [name]: environment, ...known.environments } };
    if (at >= 0) services[at] = merged;
    else services.push(merged);
  }
  return { ...base, services };
}

function storedService({ service, dialect, configPath, dir }: Environment): Service {
  return { name: service, dialect, configPath, dir, environments: {}, defaultEnvironment: PRODUCTION, source: {} };
}

/** Of a file for several services, each gets what its code asks for. */
function secretsOf(environment: Environment, all: Record<string, string>, alone: boolean): Record<string, string> {
  if (alone) return all;
  const wanted = new Set(
    environment.bindings.filter((binding) => kindOf(binding).secret).map((binding) => binding.name),
  );
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted.has(name)));
}

function idOf({ service, name }: Environment): string {
  return refId({ service, environment: name });
}

export type { ChangeResult, EnvironmentRef };
