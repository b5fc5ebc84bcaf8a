/** `[workspace.services]`: config files that are one environment each, joined into services. */
import { type EnvironmentFile, PRODUCTION, type Service } from "../model.ts";
import type { Faults } from "./faults.ts";
import { checkEnvironmentName, serviceNameFault } from "./names.ts";
import type { EnvironmentEntry } from "./root-file.ts";
import type { LoadedService } from "./service.ts";
import type { Member } from "./workspace.ts";

export interface LoadedMember extends LoadedService {
  member: Member;
}

export interface JoinedService extends LoadedService {
  /** The files it is made of. */
  members: Member[];
}

/**
 * A service is what its member's file says, and the environments that have files of their own. Of these the top level counts.
 * @param current the file whose folder the command stands in: its environment is the one meant
 */
export function joinEnvironments(
  loaded: readonly LoadedMember[],
  current: Member | undefined,
  faults: Faults,
): JoinedService[] {
  const services: JoinedService[] = loaded
    .filter(({ member }) => !member.as)
    .map(({ member, service, trees }) => ({ service, trees, members: [member] }));
  // What stands for production first: it is what the service is apart from its environments.
  const separate = loaded.filter(({ member }) => member.as).sort((a, b) => rank(a) - rank(b));
  for (const each of separate) {
    const as = each.member.as!;
    const found = services.find(({ service }) => service.name === as.service);
    if (!found && as.environment !== PRODUCTION) {
      faults.error(
        "no-service",
        `There is no service "${as.service}" that this could be an environment of`,
        as.written,
        {
          part: "key",
          notes: [`Write which file is its production: production = "…", or make one of the members "${as.service}".`],
        },
      );
    }
    if (!nameIsFine(each, as, found, faults)) continue;
    const into = found ?? begin(each, as);
    if (!found) services.push(into);
    add(into, each, as, each.member === current);
  }
  return services;
}

const rank = ({ member }: LoadedMember) => Number(member.as!.environment !== PRODUCTION);

function nameIsFine(
  each: LoadedMember,
  as: EnvironmentEntry,
  found: JoinedService | undefined,
  faults: Faults,
): boolean {
  const { service, environment, written } = as;
  const fault = serviceNameFault(service);
  if (fault) faults.error("invalid-name", `The service name "${service}" ${fault}`, written, { part: "key" });
  checkEnvironmentName(environment, written, faults);
  if (found?.service.environments[environment]) {
    faults.error(
      "duplicate-environment",
      `${service} has an environment "${environment}" in its own file, too`,
      written,
      {
        part: "key",
      },
    );
    return false;
  }
  const own = Object.keys(each.service.environments);
  if (own.length > 1) {
    const message = `The file is the environment "${environment}" of ${service}, but has environments itself: ${own.slice(1).join(", ")}`;
    faults.error("nested-environments", message, written);
  }
  return !fault;
}

function begin({ service, member }: LoadedMember, as: EnvironmentEntry): JoinedService {
  const empty: Service = { ...service, name: as.service, environments: {}, defaultEnvironment: as.environment };
  return { service: empty, trees: new Map(), members: [member] };
}

function add(into: JoinedService, each: LoadedMember, { environment: name }: EnvironmentEntry, current: boolean): void {
  const { service, trees, member } = each;
  const { dialect, configPath, source } = service;
  const [top] = Object.values(service.environments);
  const file: EnvironmentFile = { dialect, configPath, source };
  into.service = {
    ...into.service,
    environments: { ...into.service.environments, [name]: { ...top!, service: into.service.name, name } },
    files: { ...into.service.files, [name]: file },
    ...(current && { defaultEnvironment: name }),
  };
  into.trees.set(name, trees.get(top!.name)!);
  if (!into.members.includes(member)) into.members.push(member);
}
