/**
 * Runs a graph: `const runtime = createGraphRuntime({ onEvent }); await runtime.swap(spec);` then send requests to
 * `(await runtime.acquire("gateway@production")).origin`, and swap again for every new version.
 */

export { createGraphRuntime } from "./graph-runtime.ts";
export { newestCompatibilityDate, preloadRuntime } from "./miniflare.ts";
export type * from "./types.ts";
