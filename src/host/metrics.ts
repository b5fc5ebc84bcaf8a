/** Figures of a host, in Prometheus' text format. Names: https://prometheus.io/docs/practices/naming/ */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { EnvironmentRef } from "../model.ts";
import { createRequestMetrics } from "./request-metrics.ts";

/** Seconds: from a cached answer to a slow query. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface Metrics {
  request(ref: EnvironmentRef, status: number, ms: number): void;
  started(ms: number): void;
  swapped(mode: string, paused: number): void;
  crashed(): void;
  failed(): void;
  stopped(why: string): void;
  /** The text, and its content type. */
  render(): Promise<{ body: string; contentType: string }>;
}

/** @param now what is read when somebody asks */
export function createMetrics(now: {
  running(): number;
  graphs(): number;
  environments(): number;
  /** Bytes that each graph which runs takes, by its name. */
  memory(): Promise<Map<string, number>>;
  memoryLimit: number;
  /** Messages that wait, by queue. */
  backlogs(): Map<string, number>;
}): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry });
  const requests = createRequestMetrics(BUCKETS);
  const starts = new Histogram({
    name: "troupe_graph_start_seconds",
    help: "How long a graph's process took to start",
    buckets: BUCKETS,
    registers,
  });
  const swaps = new Counter({
    name: "troupe_swaps_total",
    help: "New versions that took over in a running graph",
    labelNames: ["mode"],
    registers,
  });
  const pauses = new Histogram({
    name: "troupe_swap_pause_seconds",
    help: "How long requests had to wait for a swap",
    labelNames: ["mode"],
    buckets: BUCKETS,
    registers,
  });
  const count = (name: string, help: string) => new Counter({ name, help, registers });
  const crashes = count("troupe_crashes_total", "Processes that ended unasked");
  const failures = count("troupe_start_errors_total", "Graphs that could not start");
  const stops = new Counter({ name: "troupe_stops_total", help: "Processes stopped", labelNames: ["why"], registers });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge("troupe_graphs_running", "Graphs whose process runs", now.running);
  gauge("troupe_graphs", "Graphs deployed", now.graphs);
  gauge("troupe_environments", "Environments deployed", now.environments);
  gauge(
    "troupe_memory_limit_bytes",
    "What all graphs may take together before idle ones are stopped",
    () => now.memoryLimit,
  );
  new Gauge({
    name: "troupe_memory_bytes",
    help: "Memory that all graphs take",
    registers,
    async collect() {
      this.set([...(await now.memory()).values()].reduce((sum, bytes) => sum + bytes, 0));
    },
  });
  new Gauge({
    name: "troupe_graph_memory_bytes",
    help: "Memory of a graph's process",
    labelNames: ["graph"],
    registers,
    async collect() {
      const sizes = await now.memory();
      this.reset();
      for (const [graph, bytes] of sizes) this.set({ graph }, bytes);
    },
  });
  new Gauge({
    name: "troupe_queue_messages",
    help: "Messages that wait for their consumer",
    labelNames: ["queue"],
    registers,
    collect() {
      this.reset();
      for (const [queue, messages] of now.backlogs()) this.set({ queue }, messages);
    },
  });
  return {
    request: requests.add,
    started: (ms) => starts.observe(ms / 1000),
    swapped(mode, paused) {
      swaps.inc({ mode });
      pauses.observe({ mode }, paused / 1000);
    },
    crashed: () => crashes.inc(),
    failed: () => failures.inc(),
    stopped: (why) => stops.inc({ why }),
    render: async () => ({
      body: `${requests.render()}\n${await registry.metrics()}`,
      contentType: registry.contentType,
    }),
  };
}
