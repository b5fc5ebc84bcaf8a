export { closure, type Graph, type GraphEdge, outgoing } from "./closure.ts";
export { missingDefault, missingExport } from "./exports.ts";
export { missingService, type Resolution, resolveReference, workerId } from "./resolve.ts";
