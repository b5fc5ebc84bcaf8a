/** Queues that outlive the processes, and everything else that happens in a graph without a request. */
export { type Alarms, createAlarms, Wakeups } from "./alarms.ts";
export { createBroker } from "./broker.ts";
export { type Crons, type CronTrigger, createCrons } from "./crons.ts";
export { QUEUES_FILE } from "./message-store.ts";
export type * from "./types.ts";
