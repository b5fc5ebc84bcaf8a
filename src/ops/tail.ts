/** The live logs of deployed services. */
import { TroupeError } from "../errors.ts";
import { type EnvironmentRef, PRODUCTION, refId, type Workspace } from "../model.ts";
import { openShelf } from "../targets/cloudflare/open.ts";
import type { Shelf, Stored } from "../targets/cloudflare/shelf.ts";
import { tailScript } from "../targets/cloudflare/tail.ts";
import { apiFilters, type STATUSES, type TailFilters } from "../targets/cloudflare/tail-filters.ts";
import { eventsOf, type Trace, type TraceEvent } from "../targets/cloudflare/trace.ts";
import { readableWorkspace, type TargetSelection, targetName } from "./target.ts";

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
  refuseLocal(options);
  const { versionId, signal, onEvent, onTrace } = options;
  apiFilters(options);
  const workspace = await readableWorkspace(options);
  const { cwd, processEnv } = options;
  const shelf = await openShelf({ cwd, processEnv, ...(workspace && { workspace }) });
  const tailed = await tailedScripts(shelf, workspace, options);
  const ending = new AbortController();
  const either = AbortSignal.any([signal, ending.signal]);
  const watching = tailed.map(async (stored) => {
    const { ref } = stored;
    const script = stored.script.id;
    const version = versionId === undefined ? undefined : await versionOf(shelf, stored, versionId);
    await tailScript(shelf.network, {
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
function refuseLocal(selection: TargetSelection): void {
  if (targetName(selection) === "cloudflare") return;
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

/** @throws TroupeError USAGE, NOT_FOUND */
async function tailedScripts(
  shelf: Shelf,
  workspace: Workspace | undefined,
  { service, env: environment = PRODUCTION }: TargetSelection,
): Promise<Stored[]> {
  const all = workspace?.services.map(({ name }) => name) ?? [];
  const chosen = service ?? (workspace?.current === undefined ? all : [workspace.current]);
  if (chosen.length === 0) {
    throw new TroupeError("USAGE", "Which service is meant? Name it: troupe tail <service>");
  }
  const refs = chosen.map((name) => ({ service: name, environment }));
  if (chosen !== all) return Promise.all(refs.map((ref) => shelf.need(ref)));
  // At the root of a workspace, what is not deployed yet has nothing to say.
  const found = (await Promise.all(refs.map((ref) => shelf.find(ref)))).filter((stored) => stored !== undefined);
  return found.length > 0 ? found : [await shelf.need(refs[0]!)];
}

/** @throws TroupeError NOT_FOUND for a number that there is not */
async function versionOf(shelf: Shelf, stored: Stored, given: string): Promise<string> {
  return /^\d+$/.test(given) ? (await shelf.version(stored, Number(given))).id : given;
}
