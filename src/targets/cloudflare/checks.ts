/** What stands in the way of a change: looked up before anything is done. */
import { kindOf } from "../../bindings/index.ts";
import { planMigrations } from "../../bindings/migration-plan.ts";
import { classesAfter } from "../../bindings/migrations.ts";
import type { Diagnostic } from "../../errors.ts";
import { type Bundle, type Environment, refId } from "../../model.ts";
import { referredScript } from "./names.ts";
import type { Network, Script, ScriptState } from "./network.ts";
import type { PlanRequest, Wanted } from "./plan.ts";
import { ownWorkflows } from "./workflows.ts";

export interface Circumstances {
  request: PlanRequest;
  /** Of each that is wanted; absent: its Worker does not exist yet. */
  states: readonly (ScriptState | undefined)[];
  scripts: ReadonlyMap<string, Script>;
}

interface Fault {
  code: string;
  message: string;
  notes: string[];
}

/** @returns errors only */
export async function changeFaults(network: Network, circumstances: Circumstances): Promise<Diagnostic[]> {
  const { request, states } = circumstances;
  const faults = await Promise.all(
    request.wanted.map(async (wanted, index) => {
      // What was there before was in order then.
      if (wanted.existing) return [];
      const { environment, bundle, ref } = wanted;
      const state = states[index];
      const found: Fault[] = [
        ...unsupported(environment),
        ...secretFaults(wanted, state),
        ...referenceFaults(wanted, circumstances),
        ...migrationFaults(environment, bundle, state, request.allowDataLoss === true),
        ...(await workflowFaults(network, environment, circumstances)),
        ...(state ? [] : await addressFaults(network, environment)),
      ];
      return found.map(({ code, message, notes }): Diagnostic => {
        return { severity: "error", code, message: `${refId(ref)}: ${message}`, notes };
      });
    }),
  );
  return faults.flat();
}

/** What Wrangler does beside an upload and troupe does not: deployed without it, a service would be broken. */
function unsupported({ bindings, settings, written }: Environment): Fault[] {
  const what = [
    ...(bindings.some(({ kind }) => kind === "container") ? ["containers"] : []),
    ...(settings.site === undefined ? [] : ["Workers Sites (`site`)"]),
    ...(written["triggers.events"] ? ["event triggers (`triggers.events`)"] : []),
    ...((settings.unsafe as { capnp?: unknown } | undefined)?.capnp === undefined ? [] : ["Cap'n Proto schemas"]),
  ];
  return what.map((each) => ({
    code: "not-supported",
    message: `troupe does not deploy ${each}`,
    notes: ["Deploy this service with Wrangler: what binds it finds it there"],
  }));
}

function secretFaults({ ref, environment, secrets, withoutSecrets = [] }: Wanted, state?: ScriptState): Fault[] {
  const there = (state?.secrets ?? []).filter((name) => !withoutSecrets.includes(name));
  const known = new Set([...there, ...Object.keys(secrets)]);
  const inEnv = environment.bindings.filter(({ inEnv: isBound }) => isBound);
  const flags = `--service ${ref.service} --env ${ref.environment}`;
  return [
    ...inEnv
      .filter((binding) => kindOf(binding).secret && !known.has(binding.name))
      .map(({ name }) => ({
        code: "missing-secret",
        message: `the code needs the secret ${name}, which has no value`,
        notes: [`Set it: troupe secret put ${name} ${flags}, or give --secrets-file`],
      })),
    ...inEnv
      // A variable yields to a secret; what else has its name would destroy it.
      .filter((binding) => binding.kind !== "var" && !kindOf(binding).secret && known.has(binding.name))
      .map((binding) => ({
        code: "secret-in-the-way",
        message: `${kindOf(binding).title} ${binding.name} would take the place of a secret of that name, whose value nobody could get back`,
        notes: [`Delete the secret first: troupe secret delete ${binding.name} ${flags}; or rename one of them`],
      })),
  ];
}

function referenceFaults({ environment }: Wanted, { request, scripts }: Circumstances): Fault[] {
  const coming = new Set(request.wanted.map((each) => each.environment.scriptName));
  return environment.bindings.flatMap((binding) =>
    (kindOf(binding).references?.(binding) ?? [])
      .filter(({ service }) => service !== undefined)
      .map((reference) => referredScript(request.workspace, environment, reference))
      .filter((script) => !scripts.has(script) && !coming.has(script))
      .map((script) => ({
        code: "missing-service",
        message: `${kindOf(binding).title} ${binding.name} binds the Worker "${script}", which the account does not have`,
        notes: ["Deploy it first, or with this one: name both with --service, or stand at the root of the workspace"],
      })),
  );
}

/** A Workflow has one name in the whole account: writing it would take it, with its instances, from another Worker. */
async function workflowFaults(
  network: Network,
  environment: Environment,
  { scripts }: Circumstances,
): Promise<Fault[]> {
  const found = await Promise.all(ownWorkflows(environment).map(({ name }) => network.workflow(name)));
  return found.flatMap((workflow) => {
    const owner = workflow?.script_name;
    if (!workflow || !owner || owner === environment.scriptName || !scripts.has(owner)) return [];
    return [
      {
        code: "workflow-conflict",
        message: `the Workflow "${workflow.name}" belongs to the Worker "${owner}"`,
        notes: ["Give it another name, or delete the other one first"],
      },
    ];
  });
}

async function addressFaults(network: Network, { workersDev, routes }: Environment): Promise<Fault[]> {
  const wanted = workersDev ?? routes.length === 0;
  if (!wanted || !(await network.lacksSubdomain())) return [];
  return [
    {
      code: "no-subdomain",
      message: "it is to have an address below workers.dev, and the account has no subdomain there yet",
      notes: [
        `Choose one: https://dash.cloudflare.com/${network.accountId}/workers/subdomain`,
        "Or give the service a route, or workers_dev = false",
      ],
    },
  ];
}

function migrationFaults(
  environment: Environment,
  bundle: Bundle,
  state: ScriptState | undefined,
  allowDataLoss: boolean,
): Fault[] {
  if (bundle.format !== "modules" || environment.settings.exports !== undefined) return [];
  const { migrations } = environment;
  const tag = state?.script.migration_tag ?? undefined;
  const done = migrations.slice(0, migrations.findIndex((each) => each.tag === tag) + 1);
  const classes = Object.fromEntries([...classesAfter(done)].map(([name, { storage }]) => [name, storage]));
  const bound = environment.bindings.flatMap((binding) =>
    binding.kind === "durable-object" && binding.entry.script_name === undefined
      ? [String(binding.entry.class_name)]
      : [],
  );
  const { faults, undeclared } = planMigrations(
    { ...(tag !== undefined && { tag }), classes },
    { migrations, exported: bundle.exports, bound },
    { allowDataLoss },
  );
  return [
    ...faults.map(({ code, message, notes = [] }) => ({ code, message, notes })),
    ...undeclared.map((name) => ({
      code: "missing-migration",
      message: `no migration makes the Durable Object class ${name}, and the network makes none by itself`,
      notes: [`Add one: [[migrations]] tag = "v${migrations.length + 1}", new_sqlite_classes = ["${name}"]`],
    })),
  ];
}
