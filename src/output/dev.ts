/** How `dev` reads on a terminal. */
import path from "node:path";
import type { DevEvent, GraphView } from "../ops/dev/types.ts";
import type { Output, Style } from "./output.ts";
import { referenceDetails } from "./reference.ts";

const COLOURS = ["cyan", "magenta", "green", "blue", "yellow"] as const;

/** Each service keeps one colour for a run, given in order of appearance. */
const colourOf = new Map<string, (typeof COLOURS)[number]>();

/** `[gateway]`, in the colour of the service. */
export function prefix(style: Style, service: string): string {
  if (!colourOf.has(service)) colourOf.set(service, COLOURS[colourOf.size % COLOURS.length]!);
  return style[colourOf.get(service)!](`[${service}]`);
}

/** Draws one event of `dev`. */
export function renderDevEvent(event: DevEvent, output: Output): void {
  const { style } = output;
  switch (event.reason) {
    case "ready":
      output.line();
      renderGraph(event.graph, output);
      output.line(
        `  ${style.green("➜")} ${style.bold(style.underline(event.url))}  ${style.dim(`ready in ${event.ms} ms`)}`,
      );
      if (event.inspectorUrl) {
        const { host } = new URL(event.inspectorUrl);
        output.line(
          `  ${style.dim("inspector")} ${host}  ${style.dim("for chrome://inspect, or to attach VS Code to")}`,
        );
      }
      output.line();
      return;
    case "reload": {
      const why = event.files.length === 1 ? ` ${style.dim(path.basename(event.files[0]!))}` : "";
      // None was built anew when a broken file is as it was before.
      const services = event.services.length > 0 ? ` ${event.services.join(", ")}` : "";
      output.line(`${style.green("↻")}${services}${why} ${style.dim(`reloaded in ${event.ms} ms`)}`);
      if (event.graph) renderGraph(event.graph, output);
      return;
    }
    case "keys":
      output.note(`  ${event.keys.map(([key, does]) => `${style.bold(key)} ${style.dim(does)}`).join("  ")}\n`);
      return;
    case "graph":
      renderGraph(event.graph, output);
      return;
    case "build-error":
      for (const diagnostic of event.diagnostics) {
        // What a build command printed has been shown as it came.
        output.diagnostic(diagnostic.code === "build-command" ? { ...diagnostic, notes: [] } : diagnostic);
      }
      output.note(
        event.stale
          ? style.dim("The last good code keeps serving; waiting for a change.")
          : style.dim("Waiting for a change."),
      );
      return;
    case "build-output":
      output.note(`${prefix(style, event.service)} ${style.dim(event.line)}`);
      return;
    case "warning":
      output.diagnostic(event.diagnostic);
      return;
    case "request":
      output.line(
        `${prefix(style, event.service)} ${event.method} ${event.path} ${status(style, event.status)} ${style.dim(`${event.ms} ms`)}`,
      );
      return;
    case "log": {
      const mark = event.level === "error" ? style.red("✖ ") : event.level === "warn" ? style.yellow("▲ ") : "";
      const [first, ...others] = event.message.split("\n");
      output.line(`${prefix(style, event.service)} ${mark}${first}`);
      for (const line of others) output.line(`${prefix(style, event.service)} ${mark && "  "}${line}`);
      return;
    }
    case "exception":
      output.diagnostic({
        severity: "error",
        code: "uncaught-exception",
        message: `${event.service}: Uncaught ${event.name}: ${event.message}`,
        location: event.location,
        notes: BEHIND.flatMap(([pattern, note]) => (pattern.test(event.message) ? [note] : [])),
      });
      for (const frame of frames(event.stack)) output.note(`  ${style.dim(frame)}`);
      return;
    case "scheduled":
      output.line(
        `${prefix(style, event.service)} scheduled ${event.cron} ${event.outcome === "ok" ? style.green("ok") : style.red(event.outcome)}`,
      );
      return;
    case "queue": {
      const { acked, retried, dead, dropped } = event;
      const counts = [
        style.green(`${acked} acknowledged`),
        ...(retried > 0 ? [style.yellow(`${retried} again`)] : []),
        ...(dead > 0 ? [style.red(`${dead} to the dead letters`)] : []),
        ...(dropped > 0 ? [style.red(`${dropped} dropped`)] : []),
      ];
      output.line(
        `${prefix(style, event.service)} queue ${event.queue} ${counts.join(", ")} ${style.dim(`${event.ms} ms`)}`,
      );
      return;
    }
    case "crashed":
      output.diagnostic({ severity: "error", code: "crashed", message: event.message });
      return;
  }
}

/** What is most often behind an exception, by its message. */
const BEHIND: [message: RegExp, note: string][] = [
  [
    /^D1_ERROR: no such table/,
    "`troupe d1 migrations apply <binding>` makes the tables that migrations are written for",
  ],
];

/** The stack without its first line, which repeats the message; with the stacks of what caused it. */
export function frames(stack: string | undefined): string[] {
  return (stack ?? "")
    .split("\n")
    .filter((line) => /^\s+(?:at|caused by) /.test(line))
    .map((line) => line.trim());
}

/** A status in the colour of its class. */
export function status(style: Style, code: number): string {
  const text = String(code);
  if (code >= 500) return style.red(text);
  if (code >= 400) return style.yellow(text);
  return style.green(text);
}

/** What a name leads to: another environment, or what the kind says of it. */
function bound(binding: GraphView["services"][number]["bindings"][number], style: Style): string {
  const { service, environment, describe, kind, why, missing } = binding;
  if (service === undefined || environment === undefined) return `${describe} ${style.dim(kind)}`;
  const id = `${service}@${environment}`;
  if (missing) return `${style.yellow("→")} ${id} ${style.yellow("missing")}`;
  return `→ ${id} ${style.dim(referenceDetails({ service, environment, why }, describe))}`.trimEnd();
}

/** Who binds whom: one block per service, one line per binding, with the environment picked and why. */
function renderGraph(graph: GraphView, output: Output): void {
  const { style } = output;
  const width = Math.max(
    0,
    ...graph.services.flatMap((service) => service.bindings.map((binding) => binding.name.length)),
  );
  for (const service of graph.services) {
    const address = service.url
      ? style.cyan(service.url)
      : style.dim(service.private ? "private: reachable through bindings only" : "");
    output.line(`  ${style.bold(service.service)}${style.dim(`@${service.environment}`)}  ${address}`);
    for (const binding of service.bindings) output.line(`    ${binding.name.padEnd(width)}  ${bound(binding, style)}`);
  }
  output.line();
}
