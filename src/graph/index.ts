export { closure, type Graph, type GraphEdge, outgoing } from "./closure.ts";
export { missingService, type Resolution, resolveReference, workerId } from "./resolve.ts";
