/** What would be wrong if a change were made: looked up among everything that is deployed. */
import { findConflicts } from "../../bindings/claims.ts";
import { kindOf } from "../../bindings/index.ts";
import { planMigrations } from "../../bindings/migration-plan.ts";
import { type DeclaredExport, durableClasses, type Storage } from "../../bindings/migrations.ts";
import type { Diagnostic } from "../../errors.ts";
import { missingDefault, outgoing } from "../../graph/index.ts";
import { readHomes } from "../../host/homes.ts";
import { routeConflicts, routeFault } from "../../host/routes.ts";
import { type Binding, type Environment, refId } from "../../model.ts";
import type { Deployed, DeployedWorkspace } from "./deployed.ts";
import type { Preview } from "./draft.ts";
import { mayReferTo } from "./info.ts";
import { missingIn } from "./spec.ts";
import { meetingCopies } from "./together.ts";

/**
 * @param before what is deployed now; what is wrong there already is not this change's fault, except in what it changes
 * @returns errors only
 */
export function changeFaults(
  before: DeployedWorkspace,
  after: DeployedWorkspace,
  previews: readonly Preview[],
  options: { allowDataLoss: boolean; dataDir: string },
): Diagnostic[] {
  const changed = new Set(previews.map(({ deployed }) => refId(deployed.ref)));
  const concerned = (from: Deployed) =>
    changed.has(refId(from.ref)) ||
    previews.some(({ deployed: { ref, environment } }) =>
      [before, after].some((workspace) => mayReferTo(workspace, from, ref, environment.scriptName)),
    );
  const known = new Set(referenceFaults(before, concerned).map(({ key }) => key));
  const references = referenceFaults(after, concerned).filter(({ from, key }) => changed.has(from) || !known.has(key));
  return [
    ...references.map(({ message }) => error("missing-service", message)),
    ...conflicts(before, after, previews),
    ...routeFaults(after, previews),
    ...meetingFaults(after, options.dataDir),
    ...previews.flatMap((each) => [...missingSecrets(each), ...hiddenSecrets(each), ...migrationFaults(each, options)]),
  ];
}

function error(code: string, message: string, notes?: string[]): Diagnostic {
  return { severity: "error", code, message, ...(notes && { notes }) };
}

interface ReferenceFault {
  from: string;
  key: string;
  message: string;
}

/** @param concerned whose references are looked at: those of all would have to be read, however many there are */
function referenceFaults(workspace: DeployedWorkspace, concerned: (deployed: Deployed) => boolean): ReferenceFault[] {
  const all = [...workspace.deployed.values()].filter(concerned).map(({ environment }) => environment);
  const edges = all.flatMap((environment) => outgoing(workspace, environment));
  return edges.flatMap(({ from, binding, reference, resolution }) => {
    const target = workspace.deployed.get(refId(resolution.ref));
    const message =
      missingIn(resolution, reference, target) ??
      (target && missingDefault(resolution, reference, target.version.bundle));
    if (message === undefined) return [];
    const { title } = kindOf(binding);
    return [{ from, key: `${from} ${binding.name}`, message: `${from}: ${title} ${binding.name}: ${message}` }];
  });
}

function conflicts(before: DeployedWorkspace, after: DeployedWorkspace, previews: readonly Preview[]): Diagnostic[] {
  const claims = new Set(previews.flatMap(({ deployed }) => deployed.summary.claims));
  const of = (workspace: DeployedWorkspace) =>
    findConflicts(
      [...workspace.deployed.values()]
        .filter(({ summary }) => summary.claims.some((claim) => claims.has(claim)))
        .map(({ environment }) => environment),
    );
  const known = new Set(of(before).map(({ message }) => message));
  return of(after)
    .filter(({ message }) => !known.has(message))
    .map(({ code, message, notes }) => error(code, message, notes));
}

/** Patterns that are no routes, or belong to another environment. */
function routeFaults(after: DeployedWorkspace, previews: readonly Preview[]): Diagnostic[] {
  const changed = previews.map(({ deployed }) => deployed).filter(({ summary }) => summary.routes.length > 0);
  if (changed.length === 0) return [];
  const ids = new Set(changed.map(({ ref }) => refId(ref)));
  const owners = [...after.deployed.values()].filter(({ summary }) => summary.routes.length > 0);
  const taken = routeConflicts(owners.map(({ ref, environment }) => [refId(ref), environment.routes] as const));
  return [
    ...changed.flatMap(({ ref, environment }) =>
      environment.routes.flatMap((route) => {
        const fault = routeFault(route);
        return fault === undefined ? [] : [error("malformed-route", `${refId(ref)}: ${fault}`)];
      }),
    ),
    ...taken
      .filter((conflict) => conflict.owners.some((owner) => ids.has(owner)))
      .map(({ message }) =>
        error("route-conflict", message, ["Take it away from one of them, and deploy that one first"]),
      ),
  ];
}

/** Copies of Durable Objects and the objects themselves have the same ids: one process could not tell them apart. */
export function meetingFaults(workspace: DeployedWorkspace, dataDir: string): Diagnostic[] {
  let homes: ReturnType<typeof readHomes> | undefined;
  const homesOf = (user: Deployed): string[] => {
    homes ??= readHomes(dataDir);
    return homes(user);
  };
  return meetingCopies(workspace, homesOf).map(([copy, other]) => {
    const [one, two] = [refId(copy.ref), refId(other.ref)];
    const message = `${one} has copies of the Durable Objects of ${two}, and the two would run in one process`;
    return error("copy-meets-original", message, [
      "Whoever binds both, or a resource that both share, brings them together",
      "A clone with --graph has what it binds to itself; one with --data fresh has objects of its own",
    ]);
  });
}

/** A secret that the code says it needs. */
function missingSecrets({ deployed, content }: Preview): Diagnostic[] {
  const { service, environment } = deployed.ref;
  return deployed.environment.bindings
    .filter((binding) => kindOf(binding).secret && content.secrets[binding.name] === undefined)
    .map(({ name }) =>
      error("missing-secret", `${refId(deployed.ref)}: the code needs the secret ${name}, which has no value`, [
        `Set it: troupe secret put ${name} --service ${service} --env ${environment}`,
      ]),
    );
}

/** A secret that the code could not read, since a binding has its name. A variable gives way to it. */
function hiddenSecrets({ deployed, draft }: Preview): Diagnostic[] {
  const put = new Set(Object.keys(draft.secrets?.put ?? {}));
  return deployed.environment.bindings
    .filter((binding) => binding.inEnv && put.has(binding.name) && !kindOf(binding).processEnv)
    .map((binding) => {
      const { name } = binding;
      const what = `${refId(deployed.ref)} binds a ${kindOf(binding).title} as ${name}`;
      return error("duplicate-binding", `${what}: a secret of that name would never be seen`);
    });
}

function migrationFaults({ deployed, previous, draft }: Preview, options: { allowDataLoss: boolean }): Diagnostic[] {
  // What was there before had its classes, and gets them back.
  if (draft.existing) return [];
  const { environment, version, ref } = deployed;
  const tag = previous?.environment.migrations.at(-1)?.tag;
  const { faults } = planMigrations(
    { ...(tag !== undefined && { tag }), classes: previous ? classesOf(previous.environment) : {} },
    {
      migrations: environment.migrations,
      exports: environment.settings.exports as Record<string, DeclaredExport> | undefined,
      exported: version.bundle.exports,
      bound: boundClasses(environment),
    },
    options,
  );
  return faults.map(({ code, message, notes }) => error(code, `${refId(ref)}: ${message}`, notes));
}

/** Classes that hold data: declared ones, and those that are only bound, which have SQLite. */
function classesOf(environment: Environment): Record<string, Storage> {
  return Object.fromEntries([
    ...boundClasses(environment).map((name) => [name, "sqlite"] as const),
    ...[...durableClasses(environment)].map(([name, { storage }]) => [name, storage] as const),
  ]);
}

/** Durable Object classes of its own that an environment binds. */
function boundClasses({ bindings }: Environment): string[] {
  const own = (binding: Binding) =>
    (kindOf(binding).references?.(binding) ?? []).filter(
      ({ role, service }) => role === "durable-object" && service === undefined,
    );
  return [...new Set(bindings.flatMap(own).flatMap(({ exportName }) => exportName ?? []))];
}
