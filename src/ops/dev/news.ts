/** What a cycle comes to, as an event. */
import type { SwapResult } from "../../runtime/types.ts";
import { type Plan, splitId } from "./plan.ts";
import type { DevEvent, GraphView } from "./types.ts";

/** The first generation serves. */
export function readyEvent(input: {
  url: string;
  urls: Record<string, string>;
  graph: GraphView;
  ms: number;
  inspector: URL | undefined;
}): DevEvent {
  const { url, urls, graph, ms, inspector } = input;
  const inspectorUrl = inspector && { inspectorUrl: inspector.href };
  return { reason: "ready", url, urls, graph, ms: Math.round(ms), ...inspectorUrl };
}

/**
 * New code, or a new config, serves.
 * @param input.changed ids of the workers that were built anew, or whose bindings read other files
 * @param input.config set when the config was read again
 */
export function reloadEvent(input: {
  plan: Plan;
  changed: string[];
  files: string[];
  swap: SwapResult;
  ms: number;
  config: { graph: GraphView; urls: Record<string, string> } | undefined;
}): DevEvent {
  const { plan, changed, files, swap, ms, config } = input;
  const services = config && changed.length === 0 ? plan.graph.roots : changed;
  return {
    reason: "reload",
    services: services.map((id) => splitId(id).service),
    files,
    mode: swap.mode,
    ms: Math.round(ms),
    paused: Math.round(swap.paused),
    ...config,
  };
}
