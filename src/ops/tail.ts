/** The live logs of deployed services. */
import { TroupeError } from "../errors.ts";
import { didYouMean } from "../lib/did-you-mean.ts";
import { type EnvironmentRef, PRODUCTION, refId } from "../model.ts";
import { accountFrom } from "../targets/cloudflare/account.ts";
import { Api } from "../targets/cloudflare/client.ts";
import { chooseAccount, Network } from "../targets/cloudflare/network.ts";
import { tailScript } from "../targets/cloudflare/tail.ts";
import { apiFilters, type STATUSES, type TailFilters } from "../targets/cloudflare/tail-filters.ts";
import { eventsOf, type Trace, type TraceEvent } from "../targets/cloudflare/trace.ts";
import { readableWorkspace, type TargetSelection } from "./target.ts";

export type { Trace, TraceEvent };
export type TailStatus = (typeof STATUSES)[number];

export type TailEvent =
  | TraceEvent
  /** Everything is told from now on. `expiresAt`: when the network closes it, whereupon it is opened again. */
  | (EnvironmentRef & { reason: "ready"; script: string; expiresAt: string; again: boolean })
  | (EnvironmentRef & { reason: "lost"; why: string; ms: number });

export interface TailOptions extends TargetSelection, Omit<TailFilters, "version"> {
  /** A version: its id, or its number where one service is tailed. */
  versionId?: string;
  signal: AbortSignal;
  onEvent(event: TailEvent): void;
  /** What `onEvent` is told of an invocation, as the network tells it. */
  onTrace?(ref: EnvironmentRef, trace: Trace): void;
}

/**
 * Tells what services do until the signal: those named, the one here, or all of the workspace.
 * @throws TroupeError USAGE, NOT_FOUND, AUTH, UNREACHABLE
 */
export async function tail(options: TailOptions): Promise<void> {
  refuseLocal(options.target);
  const { versionId, signal, onEvent, onTrace } = options;
  apiFilters(options);
  const account = accountFrom(options.processEnv);
  const api = await Api.open(account);
  const network = new Network(api, await chooseAccount(api, account.accountId));
  const tailed = await tailedScripts(network, options);
  const ending = new AbortController();
  const either = AbortSignal.any([signal, ending.signal]);
  const watching = tailed.map(async ({ ref, script }) => {
    const version = versionId === undefined ? undefined : await versionOf(network, script, versionId);
    await tailScript(network, {
      script,
      about: `service ${refId(ref)}`,
      filters: { ...options, ...(version !== undefined && { version }) },
      signal: either,
      onOpen: (opened) => onEvent({ reason: "ready", ...ref, script, ...opened }),
      onLost: (lost) => onEvent({ reason: "lost", ...ref, ...lost }),
      onTrace(trace) {
        onTrace?.(ref, trace);
        for (const event of eventsOf(trace, ref)) onEvent(event);
      },
    });
  });
  try {
    await Promise.all(watching);
  } finally {
    // One that failed ends the others, and each of them closes its tail.
    ending.abort();
    await Promise.allSettled(watching);
  }
}

/** @throws TroupeError USAGE */
function refuseLocal(target = "local"): void {
  if (target === "cloudflare") return;
  if (target !== "local") {
    throw new TroupeError("USAGE", `There is no target "${target}"`, { notes: ["targets: cloudflare, local"] });
  }
  throw new TroupeError(
    "USAGE",
    "Of what is deployed on this machine, `troupe serve` tells requests, logs and exceptions",
    {
      notes: [
        "Look where it runs; `troupe serve --json` has them as JSON",
        "For Cloudflare's network: troupe tail --target cloudflare",
      ],
    },
  );
}

interface Tailed {
  ref: EnvironmentRef;
  script: string;
}

async function tailedScripts(network: Network, selection: TargetSelection): Promise<Tailed[]> {
  const workspace = await readableWorkspace(selection);
  const environment = selection.env ?? PRODUCTION;
  const all = workspace?.services.map(({ name }) => name) ?? [];
  const chosen = selection.service ?? (workspace?.current === undefined ? all : [workspace.current]);
  if (chosen.length === 0) {
    throw new TroupeError("USAGE", "Which service is meant? Name it: troupe tail <service>");
  }
  const scripts = await network.scripts();
  const wanted = chosen.map((service): Tailed => {
    const written = workspace?.services.find(({ name }) => name === service)?.environments[environment];
    const script = written?.scriptName ?? (environment === PRODUCTION ? service : `${service}-${environment}`);
    return { ref: { service, environment }, script };
  });
  const found = wanted.filter(({ script }) => scripts.has(script));
  const missing = wanted.find(({ script }) => !scripts.has(script));
  // At the root of a workspace, what is not deployed yet has nothing to say.
  if (!missing || (chosen === all && found.length > 0)) return found;
  const guess = didYouMean(missing.script, scripts.keys());
  throw new TroupeError("NOT_FOUND", `The account has no Worker "${missing.script}" (${refId(missing.ref)})`, {
    notes: [
      ...(guess ? [`did you mean "${guess}"?`] : []),
      `Deploy it first: troupe deploy --target cloudflare --service ${missing.ref.service}${environment === PRODUCTION ? "" : ` --env ${environment}`}`,
    ],
  });
}

/** @throws TroupeError NOT_FOUND for a number that there is not */
async function versionOf(network: Network, script: string, given: string): Promise<string> {
  if (!/^\d+$/.test(given)) return given;
  const found = (await network.versions(script)).find(({ number }) => number === Number(given));
  if (found) return found.id;
  throw new TroupeError("NOT_FOUND", `${script} has no version ${given}`, { notes: ["See `troupe versions list`"] });
}
