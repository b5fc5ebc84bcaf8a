/** What commands that speak to a target have in common: their selection, the flags of a change, and how one reads. */
import type { Options } from "yargs";
import type { Context } from "../context.ts";
import { formatBytes } from "../lib/bytes.ts";
import type { VerbOptions } from "../ops/environments.ts";
import type { TargetSelection } from "../ops/target.ts";
import type { Output } from "../output/output.ts";
import type { ChangeResult } from "../targets/target.ts";
import type { CommonArgs } from "./command.ts";

export interface ChangeArgs {
  message?: string;
  dryRun?: boolean;
  graph?: boolean;
  allowDataLoss?: boolean;
}

export const MESSAGE: Options = { alias: "m", type: "string", describe: "Why, for the record" };
export const DRY_RUN: Options = { type: "boolean", describe: "Say what would happen, and change nothing" };
export const ALLOW_DATA_LOSS: Options = {
  type: "boolean",
  describe: "Deleting Durable Object classes with all their data is meant",
};
export const GRAPH: Options = { type: "boolean", describe: "With every service it binds in the same environment" };
export const FORCE: Options = { alias: "f", type: "boolean", describe: "Even if other environments bind it" };

/** A result of one environment, as a target reports it. */
export type Change = ChangeResult;

/** Which target and which of its services and environments, from the flags. */
export function targetSelection(args: CommonArgs, context: Context): TargetSelection {
  const { config, env, service, target, stateDir } = args;
  const { cwd, env: processEnv, now } = context;
  return {
    cwd,
    processEnv,
    now,
    ...(config && { config }),
    ...(env !== undefined && { env }),
    ...(service && { service }),
    ...(target !== undefined && { target }),
    ...(stateDir !== undefined && { stateDir }),
  };
}

/** What a command that changes environments passes to its verb. */
export function verbOptions(args: CommonArgs & ChangeArgs, context: Context): VerbOptions {
  const { message, dryRun, graph, allowDataLoss } = args;
  return {
    ...targetSelection(args, context),
    ...(message !== undefined && { message }),
    dryRun: dryRun === true,
    graph: graph === true,
    allowDataLoss: allowDataLoss === true,
    signal: context.signal,
  };
}

/** One line each: what is active now, where it answers, and what changed. */
export function showChanges(changes: readonly Change[], output: Output, dryRun = false): void {
  const { style } = output;
  if (changes.length === 0) {
    output.line(style.dim("Nothing changed in what is active."));
    return;
  }
  const anyChanged = changes.some(({ changed }) => changed);
  output.table(
    ["SERVICE", "ENVIRONMENT", "VERSION", "SIZE", "URL", "CHANGES"],
    changes.map(({ service, environment, version, changed, url, routes, size, changes: what, previous }) => [
      style.bold(service),
      environment,
      changed && previous !== undefined && previous !== version ? `${previous} → ${version}` : `${version}`,
      formatBytes(size),
      url ?? (routes[0] || style.dim("private")),
      changed ? summary(what, previous) : style.dim("unchanged"),
    ]),
  );
  if (dryRun) output.line(style.dim(anyChanged ? "Nothing was changed: this was a dry run." : "Nothing would change."));
  else if (!anyChanged) output.line(style.dim("Nothing changed: what is active is the same."));
}

function summary(what: readonly string[], previous: number | undefined): string {
  if (previous === undefined) return "new";
  if (what.length === 0) return "same content";
  return what.length > 4 ? `${what.slice(0, 4).join(", ")} and ${what.length - 4} more` : what.join(", ");
}

/** "2 minutes ago" reads better than a date, up to a week. */
export function ago(iso: string, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(iso)) / 1000));
  const [value, unit] =
    seconds < 60
      ? [seconds, "second"]
      : seconds < 3600
        ? [Math.floor(seconds / 60), "minute"]
        : seconds < 86_400
          ? [Math.floor(seconds / 3600), "hour"]
          : [Math.floor(seconds / 86_400), "day"];
  if (unit === "day" && value > 7) return iso.slice(0, 10);
  return `${value} ${unit}${value === 1 ? "" : "s"} ago`;
}
