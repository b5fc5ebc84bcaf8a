/** Queues that outlive the processes, and everything else that happens in a graph without a request. */
export { createBroker } from "./broker.ts";
export { QUEUES_FILE } from "./message-store.ts";
export type * from "./types.ts";
