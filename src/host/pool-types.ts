/** What the pool of processes takes and tells. */
import type { StateClass } from "../bindings/kind.ts";
import type { SwapMode } from "../model.ts";
import type { GraphRuntime, GraphRuntimeOptions, GraphSpec, RuntimeEvent, RuntimeWarning } from "../runtime/types.ts";
import type { Limits } from "./eviction.ts";

/** One graph: what runs together in one process. */
export interface PoolGraph {
  /** Worker ids, sorted. */
  workers: readonly string[];
  /** Another one whenever anything of what runs is. */
  key: string;
  /** The strictest of what its workers keep. */
  state: StateClass;
  /** True when its data has to be brought together first, with nobody running on it. */
  movesData(): boolean;
  /**
   * Everything that the runtime needs; made when it starts, so that idle graphs cost nothing.
   * @param options.data false: for a trial, without touching data
   */
  spec(options?: { data: boolean }): Promise<GraphSpec>;
}

export type PoolEvent =
  | { type: "started"; graph: PoolGraph; ms: number; warnings: RuntimeWarning[] }
  | { type: "swapped"; graph: PoolGraph; ms: number; mode: SwapMode; paused: number; warnings: RuntimeWarning[] }
  /** `serving`: what ran before goes on. */
  | { type: "failed"; graph: PoolGraph; error: unknown; serving: boolean }
  | { type: "stopped"; graph: PoolGraph; why: string }
  | { type: "crashed"; graph: PoolGraph; message: string };

export interface PoolOptions extends Limits {
  createRuntime(options?: GraphRuntimeOptions): GraphRuntime;
  /** Asked before an idle process is stopped; false: it has work of its own to do. */
  mayStop?(graph: PoolGraph): boolean;
  onEvent(event: PoolEvent): void;
  /** Logs and exceptions of all graphs. */
  onRuntimeEvent(event: RuntimeEvent): void;
}
