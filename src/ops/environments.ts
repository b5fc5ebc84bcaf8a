/** The verbs that make, move and end environments. */
import { type Diagnostic, TroupeError } from "../errors.ts";
import { didYouMean } from "../lib/did-you-mean.ts";
import { PRODUCTION, refId, type Workspace } from "../model.ts";
import { ownObjects, ownWorkflows } from "../targets/promotion.ts";
import type { ChangeReport, EnvironmentDetail, EnvironmentInfo, RenameReport } from "../targets/target.ts";
import { provenance } from "./provenance.ts";
import { checkSecretNames, readSecrets } from "./secrets.ts";
import {
  chosenService,
  chosenServices,
  graphServices,
  type OpenTarget,
  type TargetSelection,
  withTarget,
} from "./target.ts";

/** Flags of the verbs that change something. */
export interface VerbOptions extends TargetSelection {
  message?: string;
  dryRun?: boolean;
  graph?: boolean;
  allowDataLoss?: boolean;
  signal?: AbortSignal;
}

/** What every change carries along: who made it and why, from the options of a verb. */
export async function changeOptions(options: VerbOptions) {
  const { dryRun = false, allowDataLoss = false, signal } = options;
  return { ...(await provenance(options)), dryRun, allowDataLoss, ...(signal && { signal }) };
}

/** All environments, or those of the chosen services. */
export async function listEnvironments(selection: TargetSelection): Promise<EnvironmentInfo[]> {
  return withTarget(selection, {}, async ({ target, workspace }) => {
    const wanted = selection.service ?? (workspace?.current === undefined ? undefined : [workspace.current]);
    const all = await target.list();
    if (!wanted) return all;
    for (const service of selection.service ?? []) checkKnown(service, workspace, all);
    return all.filter(({ service }) => wanted.includes(service));
  });
}

/** @throws TroupeError NOT_FOUND */
export async function showEnvironment(selection: TargetSelection, name: string): Promise<EnvironmentDetail> {
  return withTarget(selection, {}, async (open) =>
    open.target.read({ service: await chosenService(open, selection), environment: name }),
  );
}

/** @throws TroupeError CONFLICT when there is one, USAGE for a bad name, NOT_FOUND for a base that there is not */
export async function createEnvironment(
  selection: TargetSelection,
  name: string,
  options: { base?: string; protected?: boolean },
): Promise<EnvironmentInfo[]> {
  return withTarget(selection, { create: true }, async (open) => {
    const services = await chosenServices(open, selection);
    for (const service of services) await checkService(open, service, options.base);
    return open.target.create(
      services.map((service) => ({ service, environment: name })),
      options,
    );
  });
}

/** @throws TroupeError NOT_FOUND for a service that neither the config nor the target has */
function checkKnown(service: string, workspace: Workspace | undefined, stored: readonly EnvironmentInfo[]): void {
  const written = workspace?.services.map(({ name }) => name) ?? [];
  const known = [...new Set([...written, ...stored.map((each) => each.service)])];
  if (known.includes(service)) return;
  const guess = didYouMean(service, known);
  throw new TroupeError("NOT_FOUND", `There is no service "${service}"`, {
    notes: [...(guess ? [`did you mean "${guess}"?`] : []), `services: ${known.join(", ") || "none"}`],
  });
}

async function checkService({ target, workspace }: OpenTarget, service: string, base: string | undefined) {
  const all = await target.list();
  checkKnown(service, workspace, all);
  const written = workspace?.services.find(({ name }) => name === service);
  const stored = all.filter((each) => each.service === service);
  checkBase(service, base, [...Object.keys(written?.environments ?? {}), ...stored.map(({ name }) => name)]);
}

/** @throws TroupeError NOT_FOUND for a base that there is not */
export function checkBase(service: string, base: string | undefined, environments: readonly string[]): void {
  const known = [...new Set([...environments, PRODUCTION])];
  if (base === undefined || known.includes(base)) return;
  throw new TroupeError("NOT_FOUND", `${service} has no environment "${base}" to start from`, {
    notes: [`environments: ${known.join(", ")}`],
  });
}

/** @throws TroupeError NOT_FOUND, CONFLICT, PRECONDITION, START */
export async function cloneEnvironment(
  options: VerbOptions & { data?: "fresh" | "copy" | "share"; secretsFile?: string },
  from: string,
  to: string,
): Promise<ChangeReport> {
  return withTarget(options, {}, async (open) => {
    const graph = options.graph === true;
    const services = await graphServices(open, options, from, graph);
    const { data = "fresh", secretsFile, cwd } = options;
    const secrets = secretsFile === undefined ? undefined : await readSecrets(secretsFile, cwd);
    checkSecretNames(secrets ?? {});
    const change = await changeOptions(options);
    const report = await open.target.clone({ services, from, to, graph, data, ...(secrets && { secrets }), ...change });
    const without = data === "share" ? await unshared(open, report, from) : [];
    if (data === "copy") without.push(...(await uncopied(open, report, from)));
    return { ...report, warnings: [...report.warnings, ...without] };
  });
}

/** What clones have no copy of, although the rest is copied: work under way would be done twice. */
async function uncopied({ target }: OpenTarget, { results }: ChangeReport, from: string): Promise<Diagnostic[]> {
  const versions = results.map(({ service }) => target.version({ service, environment: from }));
  return (await Promise.all(versions)).flatMap(({ environment }, at) => {
    const workflows = ownWorkflows(environment);
    if (workflows.length === 0) return [];
    const message = `${refId(results[at]!)} starts without instances of ${workflows.join(", ")}: they are never copied`;
    return [{ severity: "warning", code: "not-copied", message }];
  });
}

/** What clones do not share, although the rest is shared. */
async function unshared({ target }: OpenTarget, { results }: ChangeReport, from: string): Promise<Diagnostic[]> {
  const versions = results.map(({ service }) => target.version({ service, environment: from }));
  return (await Promise.all(versions)).flatMap(({ environment }, at) => {
    const objects = ownObjects(environment);
    if (objects.length === 0) return [];
    const message = `${refId(results[at]!)} has its own ${objects.join(", ")}: they are never shared`;
    return [{ severity: "warning", code: "not-shared", message }];
  });
}

/**
 * @param to left out: the next stage of the pipeline
 * @throws TroupeError NOT_FOUND, PRECONDITION, START; USAGE when there is no next stage
 */
export async function promoteEnvironment(options: VerbOptions, from: string, to?: string): Promise<ChangeReport> {
  return withTarget(options, {}, async (open) => {
    const graph = options.graph === true;
    const services = await graphServices(open, options, from, graph);
    const target = to ?? nextStage(open, from);
    return open.target.promote({ services, from, to: target, graph, ...(await changeOptions(options)) });
  });
}

function nextStage({ workspace }: OpenTarget, from: string): string {
  const stages = workspace?.stages ?? [];
  const at = stages.indexOf(from);
  const next = at < 0 ? undefined : stages[at + 1];
  if (next !== undefined) return next;
  const why =
    stages.length === 0
      ? "the config has no [pipeline] stages"
      : at < 0
        ? `"${from}" is no stage of the pipeline (${stages.join(" → ")})`
        : `"${from}" is its last stage`;
  throw new TroupeError("USAGE", `Promote to which environment? There is no next stage: ${why}`, {
    notes: [`Name it: troupe env promote ${from} ${PRODUCTION}`],
  });
}

/** @throws TroupeError NOT_FOUND, PRECONDITION */
export async function rollback(options: VerbOptions, version?: number): Promise<ChangeReport> {
  return withTarget(options, {}, async (open) => {
    const ref = { service: await chosenService(open, options), environment: options.env ?? PRODUCTION };
    return open.target.rollback({ ref, ...(version !== undefined && { version }), ...(await changeOptions(options)) });
  });
}

/** @throws TroupeError NOT_FOUND, CONFLICT, PRECONDITION naming who binds it */
export async function renameEnvironment(
  selection: TargetSelection & { force?: boolean },
  from: string,
  to: string,
): Promise<RenameReport> {
  return withTarget(selection, {}, async (open) =>
    open.target.rename({ service: await chosenService(open, selection), environment: from }, to, {
      force: selection.force === true,
    }),
  );
}

interface DeletedEnvironment {
  service: string;
  name: string;
  deleted: true;
}

export interface DeletionReport {
  environments: DeletedEnvironment[];
  /** Resources that were theirs alone and that are still there, in words. */
  left: string[];
}

/** @throws TroupeError NOT_FOUND, PROTECTED, PRECONDITION naming who binds it */
export async function deleteEnvironment(
  selection: TargetSelection & { force?: boolean; graph?: boolean; resources?: boolean },
  name: string,
): Promise<DeletionReport> {
  return withTarget(selection, {}, async (open) => {
    const services = await graphServices(open, selection, name, selection.graph === true, { empty: true });
    const left = await open.target.delete(
      services.map((service) => ({ service, environment: name })),
      { force: selection.force === true, resources: selection.resources === true },
    );
    return { environments: services.map((service) => ({ service, name, deleted: true as const })), left };
  });
}

/**
 * Moves the traffic of versions that share it.
 * @param percentage share of the newer version: 100 completes the rollout, 0 takes it back
 * @throws TroupeError NOT_FOUND, USAGE, PRECONDITION
 */
export async function rollout(options: VerbOptions, percentage: number): Promise<ChangeReport> {
  return withTarget(options, {}, async (open) => {
    const { target } = open;
    if (!target.rollout) {
      throw new TroupeError("USAGE", `The target "${target.id}" cannot split traffic between versions`, {
        notes: ["Say --target cloudflare"],
      });
    }
    const environment = options.env ?? PRODUCTION;
    const services = await graphServices(open, options, environment, options.graph === true);
    const refs = services.map((service) => ({ service, environment }));
    return target.rollout({ refs, percentage, ...(await changeOptions(options)) });
  });
}

/** @throws TroupeError NOT_FOUND */
export async function protectEnvironment(
  selection: TargetSelection,
  name: string,
  on: boolean,
): Promise<EnvironmentInfo> {
  return withTarget(selection, {}, async (open) =>
    open.target.protect({ service: await chosenService(open, selection), environment: name }, on),
  );
}
