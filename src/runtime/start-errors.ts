/** What workerd says when it will not start, in words for the user. */
import { type Diagnostic, TroupeError } from "../errors.ts";
import { stackMapper } from "./stacks.ts";
import type { GraphSpec, RuntimeWorker } from "./types.ts";

/** `service core:user:NAME: Uncaught TypeError: …` */
const SERVICE = /service core:user:([^\s:]+(?::[^\s:@]+)*@?[^\s:]*): /;

/**
 * @param output what workerd wrote before it ended
 * @returns a TroupeError START that names the worker, with its stack in the user's own lines
 */
export function startError(spec: GraphSpec, output: readonly string[], cause: unknown): TroupeError {
  const lines = output
    .flatMap((text) => text.split("\n"))
    .filter((line) => line.trim() !== "" && !/^\*\*\* (Received|Uncaught exception)|^stack: /.test(line))
    // The runtime's own source line, before what went wrong.
    .map((line) => line.replace(/^workerd\/\S+:\d+: (?:failed: )?/, ""));
  const text = lines.join("\n") || (cause instanceof Error ? cause.message : String(cause));
  const worker = workerNamed(spec, SERVICE.exec(text)?.[1]);
  const download = PYTHON_DOWNLOAD.exec(text);
  if (download) return pythonError(spec, { url: download[1]!, why: download[2]!, cause });
  const uncaught = /Uncaught (?:\([^)]*\) )?(?:Error: )?([^\n]*)/.exec(text)?.[1];
  const frames = lines.filter((line) => /^\s+at /.test(line)).join("\n");
  const mapped = worker && stackMapper(worker.bundle, worker.environment.dir).map(frames);
  const name = worker ? worker.environment.service : "The graph";
  const reason =
    uncaught ?? lines.map((line) => line.replace(SERVICE, "").trim()).find((line) => !/^\s*at /.test(line)) ?? text;
  const message = uncaught ? `${name} throws when it starts: ${reason}` : `${name} does not start: ${reason}`;
  const notes = mapped?.stack ? mapped.stack.split("\n").map((line) => line.trim()) : [];
  const diagnostic: Diagnostic = { severity: "error", code: "start", message, location: mapped?.location, notes };
  return new TroupeError("START", message, { location: mapped?.location, notes, diagnostics: [diagnostic], cause });
}

/** Python itself is not in the runtime. */
const PYTHON_DOWNLOAD = /Request for Pyodide bundle failed; url = ([^;\s]+)(?:; ([^\n]*))?/;

function pythonError(spec: GraphSpec, { url, why, cause }: { url: string; why?: string; cause: unknown }): TroupeError {
  const worker = spec.workers.find(({ bundle }) => bundle.modules.some(({ type }) => type.startsWith("python")));
  const name = worker?.environment.service ?? "The graph";
  const message = `${name} does not start: the runtime could not download Python${why ? ` (${why})` : ""}`;
  const notes = [`A Worker in Python needs ${url}: check the connection to ${new URL(url).host}`];
  return new TroupeError("START", message, {
    notes,
    diagnostics: [{ severity: "error", code: "start", message, notes }],
    cause,
  });
}

/** An endless loop at start-up cannot be told from a slow start: both are given up after a while. */
export function startTimeout(spec: GraphSpec, milliseconds: number): TroupeError {
  const names = spec.workers.map((worker) => worker.environment.service).join(", ");
  const message = `The code does not finish starting within ${Math.round(milliseconds / 1000)} s (${names})`;
  const notes = ["Look for an endless loop at the top level of a module; work belongs into handlers"];
  return new TroupeError("START", message, {
    notes,
    diagnostics: [{ severity: "error", code: "start-timeout", message, notes }],
  });
}

function workerNamed(spec: GraphSpec, name: string | undefined): RuntimeWorker | undefined {
  return spec.workers.find((worker) => worker.id === name) ?? (spec.workers.length === 1 ? spec.workers[0] : undefined);
}
