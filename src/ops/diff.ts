/** What is different between environments, or versions, of a service. */
import { type Difference, differences } from "../targets/diff.ts";
import type { VersionDetail } from "../targets/target.ts";
import { chosenServices, type TargetSelection, withTarget } from "./target.ts";

export interface DiffReport {
  service: string;
  from: { environment: string; version?: number };
  to: { environment: string; version?: number };
  differences: Difference[];
}

/** What is different between two environments of a service. */
export async function diffEnvironments(selection: TargetSelection, a: string, b: string): Promise<DiffReport[]> {
  return withTarget(selection, {}, async (open) => {
    const services = await chosenServices(open, selection);
    return Promise.all(
      services.map(async (service) => {
        const [from, to] = await Promise.all(
          [a, b].map((environment) => open.target.version({ service, environment })),
        );
        return diffOf(from!, to!, true);
      }),
    );
  });
}

/** What is different between two versions. @param acrossEnvironments own editions of a resource are no difference then */
export function diffOf(from: VersionDetail, to: VersionDetail, acrossEnvironments: boolean): DiffReport {
  return {
    service: from.ref.service,
    from: { environment: from.ref.environment, version: from.number },
    to: { environment: to.ref.environment, version: to.number },
    differences: differences(codeOnly(from), codeOnly(to), { acrossEnvironments }),
  };
}

/** Source maps are no part of what runs. */
function codeOnly(version: VersionDetail): VersionDetail {
  return { ...version, modules: version.modules.filter(({ type }) => type !== "sourcemap") };
}
