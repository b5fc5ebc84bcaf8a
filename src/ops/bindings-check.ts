/** Does everything that is bound exist? Looked up in the code, in every environment, without running anything. */
import { kindOf } from "../bindings/index.ts";
import { loadLocalVars, locate } from "../config/index.ts";
import type { Diagnostic } from "../errors.ts";
import { closure, type GraphEdge, missingDefault, missingExport, workerId } from "../graph/index.ts";
import { type Environment, PRODUCTION, refId, type Workspace } from "../model.ts";
import { type Built, buildEnvironments } from "./build-environments.ts";
import { conflictDiagnostics, runDiagnostics } from "./conflicts.ts";
import { type Selection, selectEnvironments, selectServices, selectWorkspace } from "./select.ts";

export interface BindingsCheck {
  /** `service@environment` of everything looked at. */
  checked: string[];
  /** Errors first. */
  diagnostics: Diagnostic[];
  /** Set when there are errors: BUILD when the code of a service is all that is wrong. */
  failure?: "CONFIG" | "BUILD";
}

/**
 * Checks the chosen services in every environment, or in the one named.
 * @throws TroupeError CONFIG, NOT_FOUND; what is wrong with the bindings is data
 */
export async function checkBindings(selection: Selection & { signal?: AbortSignal }): Promise<BindingsCheck> {
  const { workspace, warnings } = await selectWorkspace(selection);
  const services = selectServices(workspace, selection);
  const environments =
    selection.env === undefined
      ? services.flatMap((service) => Object.values(service.environments))
      : selectEnvironments(services, selection.env);
  // What is bound is built as well: the names that count are exported there.
  const targets = [...closure(workspace, environments).environments.values()];
  const built = await buildEnvironments(targets, selection);
  const inBindings = await checkEnvironments({ workspace, environments, built });
  const inCode = buildErrors(environments, built);
  const secrets = await missingSecrets(environments, selection.processEnv);
  const diagnostics = [...inBindings, ...inCode, ...warnings, ...secrets];
  const failed = inBindings.length + inCode.length > 0;
  return {
    checked: environments.map(idOf),
    diagnostics: diagnostics.sort((a, b) => Number(b.severity === "error") - Number(a.severity === "error")),
    ...(failed && { failure: inBindings.length > 0 ? "CONFIG" : "BUILD" }),
  };
}

export interface CheckInput {
  workspace: Workspace;
  /** The environments whose bindings are to be checked. */
  environments: readonly Environment[];
  /** By `service@environment`: the bundles of these and of what they bind. One that is absent is not looked into. */
  built: ReadonlyMap<string, Built>;
}

/**
 * Everything about the bindings of some environments that needs the code or the other services to be told. A deploy is
 * refused when there is any of it: all are errors.
 */
export async function checkEnvironments(input: CheckInput): Promise<Diagnostic[]> {
  const { workspace, environments, built } = input;
  const own = new Set(environments.map(idOf));
  const faults = new Map<string, Fault>();
  for (const edge of closure(workspace, environments).edges) {
    const found = own.has(edge.from) && faultOf(edge, built);
    if (!found) continue;
    // A binding that several environments inherit is wrong once, for all of them.
    const key = JSON.stringify([edge.binding.written.file, edge.binding.written.path, found.message]);
    const fault = faults.get(key) ?? { ...found, edges: [] };
    fault.edges.push(edge);
    faults.set(key, fault);
  }
  // A queue with two consumers: the other one need not be among those checked.
  const everywhere = workspace.services.flatMap((service) => Object.values(service.environments));
  const conflicts = await conflictDiagnostics(everywhere, new Set(environments));
  const unfit = await runDiagnostics(environments);
  return [...(await Promise.all([...faults.values()].map(faultDiagnostic))), ...conflicts, ...unfit];
}

interface Fault {
  code: string;
  message: string;
  edges: GraphEdge[];
}

/** What is wrong with one reference. */
function faultOf(
  { resolution, reference }: GraphEdge,
  built: ReadonlyMap<string, Built>,
): Omit<Fault, "edges"> | undefined {
  if (resolution.missing !== undefined) return { code: "missing-service", message: resolution.missing };
  const bundle = built.get(workerId(resolution))?.bundle;
  if (!bundle) return undefined;
  const message = missingExport(resolution, reference, bundle) ?? missingDefault(resolution, reference, bundle);
  return message === undefined ? undefined : { code: "missing-export", message };
}

async function faultDiagnostic({ code, message, edges }: Fault): Promise<Diagnostic> {
  const [{ binding }] = edges as [GraphEdge];
  const from = [...new Set(edges.map((edge) => edge.from))].join(", ");
  const targets = edges.filter(({ resolution }) => resolution.environment);
  const notes = targets.map(({ resolution: { ref, reason } }) => `It was looked for in ${refId(ref)} (${reason})`);
  return {
    severity: "error",
    code,
    message: `${from}: ${kindOf(binding).title} ${binding.name}: ${message}`,
    location: await locate(binding.written),
    ...(notes.length > 0 && { notes: [...new Set(notes)] }),
  };
}

function buildErrors(environments: readonly Environment[], built: ReadonlyMap<string, Built>): Diagnostic[] {
  const results = new Set(environments.map((environment) => built.get(idOf(environment))));
  return [...results].flatMap((result) => (result && !result.bundle ? result.errors : []));
}

/** A secret that the code needs and that has no value where troupe runs it. */
async function missingSecrets(
  environments: readonly Environment[],
  processEnv: Selection["processEnv"],
): Promise<Diagnostic[]> {
  const found = environments.map(async (environment): Promise<Diagnostic[]> => {
    const required = environment.bindings.filter((binding) => kindOf(binding).secret);
    if (required.length === 0) return [];
    const env = environment.name === PRODUCTION ? undefined : environment.name;
    const { values } = await loadLocalVars(environment, { env, processEnv });
    const missing = required.filter(({ name }) => values[name] === undefined);
    return Promise.all(
      missing.map(
        async (binding): Promise<Diagnostic> => ({
          severity: "warning",
          code: "missing-secret",
          message: `${environment.service}@${environment.name}: secret ${binding.name} has no value on this machine`,
          location: await locate(binding.written),
          notes: [`For dev, write ${binding.name}="…" into .dev.vars beside the config`],
        }),
      ),
    );
  });
  return (await Promise.all(found)).flat();
}

function idOf({ service, name }: Environment): string {
  return refId({ service, environment: name });
}
