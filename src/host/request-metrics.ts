/**
 * Figures of requests, in Prometheus' text format. One is taken for every request, so they are plain numbers: a library's
 * labels, looked up each time, cost a tenth of the whole way through the front door.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
import type { EnvironmentRef } from "../model.ts";

export interface RequestMetrics {
  add(ref: EnvironmentRef, status: number, ms: number): void;
  render(): string;
}

interface Figures {
  labels: string;
  statuses: Map<number, number>;
  /** Requests that took no longer than a bucket's limit, but longer than the limit before; the last has none. */
  buckets: number[];
  seconds: number;
}

/** @param limits of the histogram's buckets, in seconds, ascending */
export function createRequestMetrics(limits: readonly number[]): RequestMetrics {
  const all = new Map<string, Figures>();
  return {
    add(ref, status, ms) {
      const key = `${ref.service}@${ref.environment}`;
      let figures = all.get(key);
      if (!figures) {
        const labels = `service="${escaped(ref.service)}",environment="${escaped(ref.environment)}"`;
        figures = { labels, statuses: new Map(), buckets: new Array<number>(limits.length + 1).fill(0), seconds: 0 };
        all.set(key, figures);
      }
      const seconds = ms / 1000;
      let bucket = 0;
      while (bucket < limits.length && seconds > limits[bucket]!) bucket++;
      figures.buckets[bucket]!++;
      figures.seconds += seconds;
      figures.statuses.set(status, (figures.statuses.get(status) ?? 0) + 1);
    },
    render() {
      const counts = [...all.values()].flatMap(({ labels, statuses }) =>
        [...statuses].map(([status, count]) => `troupe_requests_total{${labels},status="${status}"} ${count}`),
      );
      const durations = [...all.values()].flatMap((figures) => histogram(figures, limits));
      return [
        "# HELP troupe_requests_total Requests answered",
        "# TYPE troupe_requests_total counter",
        ...counts,
        "",
        "# HELP troupe_request_duration_seconds From a request's arrival to the end of its response",
        "# TYPE troupe_request_duration_seconds histogram",
        ...durations,
        "",
      ].join("\n");
    },
  };
}

function histogram({ labels, buckets, seconds }: Figures, limits: readonly number[]): string[] {
  const name = "troupe_request_duration_seconds";
  let count = 0;
  const lines = buckets.map((more, index) => {
    count += more;
    return `${name}_bucket{${labels},le="${limits[index] ?? "+Inf"}"} ${count}`;
  });
  return [...lines, `${name}_sum{${labels}} ${seconds}`, `${name}_count{${labels}} ${count}`];
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));
}
