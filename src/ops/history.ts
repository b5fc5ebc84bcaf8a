/** What was deployed when: versions and deployments, and what is where in the pipeline. */
import { TroupeError } from "../errors.ts";
import { PRODUCTION } from "../model.ts";
import type { DeploymentInfo, VersionDetail, VersionInfo } from "../targets/target.ts";
import { type DiffReport, diffOf } from "./diff.ts";
import { chosenEnvironment, chosenServices, type TargetSelection, withTarget } from "./target.ts";

export interface Versions {
  service: string;
  environment: string;
  /** Newest first. */
  versions: VersionInfo[];
}

/** @throws TroupeError NOT_FOUND */
export async function listVersions(selection: TargetSelection, limit?: number): Promise<Versions> {
  return withTarget(selection, {}, async (open) => {
    const ref = await chosenEnvironment(open, selection);
    return { ...ref, versions: await open.target.versions(ref, limit) };
  });
}

/** @param number left out: the active one. @throws TroupeError NOT_FOUND */
export async function showVersion(selection: TargetSelection, number?: number): Promise<VersionDetail> {
  return withTarget(selection, {}, async (open) =>
    open.target.version(await chosenEnvironment(open, selection), number),
  );
}

/** @param b left out: the active one. @throws TroupeError NOT_FOUND */
export async function diffVersions(selection: TargetSelection, a: number, b?: number): Promise<DiffReport> {
  return withTarget(selection, {}, async (open) => {
    const ref = await chosenEnvironment(open, selection);
    const [from, to] = await Promise.all([open.target.version(ref, a), open.target.version(ref, b)]);
    return diffOf(from, to, false);
  });
}

/** Of one environment, of a service's all, or of everything. Newest first. */
export async function listDeployments(selection: TargetSelection, limit?: number): Promise<DeploymentInfo[]> {
  return withTarget(selection, {}, async ({ target, workspace }) => {
    const services = selection.service ?? (workspace?.current === undefined ? undefined : [workspace.current]);
    if (services?.length === 1 && selection.env !== undefined) {
      return target.deployments({ service: services[0]!, environment: selection.env }, limit);
    }
    const all = (await target.deployments()).filter(
      ({ service, environment }) =>
        (!services || services.includes(service)) && (selection.env === undefined || environment === selection.env),
    );
    return limit === undefined ? all : all.slice(0, limit);
  });
}

export interface PipelineService {
  service: string;
  stages: {
    name: string;
    version?: number;
    contentHash?: string;
    createdAt?: string;
    protected: boolean;
    /** Set when the stage before has other code: what promoting would bring here. */
    promotable?: { from: string; version: number };
  }[];
}

export interface Pipeline {
  /** From the config, or production alone. */
  stages: string[];
  services: PipelineService[];
}

/** What is where, and what can be promoted. */
export async function pipeline(selection: TargetSelection): Promise<Pipeline> {
  return withTarget(selection, {}, async (open) => {
    const { target, workspace } = open;
    const stages = workspace?.stages ?? [PRODUCTION];
    const all = await target.list();
    const chosen =
      selection.service || workspace?.current
        ? await chosenServices(open, selection)
        : [...new Set(all.map(({ service }) => service))];
    const services = await Promise.all(
      chosen.map(async (service): Promise<PipelineService> => {
        const found = await Promise.all(
          stages.map(async (name) => {
            const info = all.find((each) => each.service === service && each.name === name);
            const active =
              info?.version === undefined ? undefined : await target.version({ service, environment: name });
            return { name, info, active };
          }),
        );
        return {
          service,
          stages: found.map(({ name, info, active }, index) => {
            const before = found[index - 1];
            const differs = before?.active !== undefined && before.active.contentHash !== active?.contentHash;
            return {
              name,
              ...(active && {
                version: active.number,
                contentHash: active.contentHash,
                createdAt: active.createdAt,
              }),
              protected: info?.protected ?? false,
              ...(differs && { promotable: { from: before.name, version: before.active!.number } }),
            };
          }),
        };
      }),
    );
    return { stages, services };
  });
}

/** @throws TroupeError NOT_FOUND */
export async function showDeployment(
  selection: TargetSelection,
  id: string,
): Promise<{ deployment: DeploymentInfo; together: DeploymentInfo[] }> {
  return withTarget(selection, {}, async ({ target }) => {
    const all = await target.deployments();
    const deployment = all.find((each) => String(each.id) === id);
    if (!deployment) {
      throw new TroupeError("NOT_FOUND", `There is no deployment ${id}`, { notes: ["See `troupe deployments list`"] });
    }
    const together = all.filter((each) => each.operation === deployment.operation && String(each.id) !== id);
    return { deployment, together };
  });
}
