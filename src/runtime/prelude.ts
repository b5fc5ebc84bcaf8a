/**
 * What troupe puts before a worker's own code: `console` that says whose line it is, and handlers that say what they did
 * not catch. (A tail Worker would tell both, but only after the request, with arguments flattened to strings, and at the
 * price of an invocation more for every call.)
 */
import { UNCAUGHT_SOURCE } from "./uncaught.ts";

/** Module that all of this is in. */
export const PRELUDE = "__troupe_prelude.js";

/**
 * Log lines of workerd carry no Worker name. They do carry what `console` was given, nicely formatted and at once. So a
 * line of ours starts with a mark, the worker's id, and one of these: whether the first argument was a string (`console`
 * adds a space otherwise), or that it is no log line but an exception.
 */
const MARK = "\u0001";
const TEXT = "\u0002";
const OTHER = "\u0003";
const UNCAUGHT = "\u0004";
const MARKED = new RegExp(`^${MARK}([^${TEXT}${OTHER}${UNCAUGHT}]+)([${TEXT}${OTHER}${UNCAUGHT}])`);

const OWN_FRAME = new RegExp(`\\n? +at [^\\n]*${PRELUDE.replace(".", "\\.")}:[^\\n]*`, "g");

/** What a worker says about an exception. */
export interface UncaughtReport {
  name: string;
  message: string;
  /** Frames only, with those of its causes. */
  stack?: string;
  ray?: string;
  /** It came from somewhere else, where it may have been told before. */
  passed?: boolean;
}

export type Marked =
  | { worker: string; type: "log"; message: string }
  | { worker: string; type: "uncaught"; report: UncaughtReport };

/** Reads a line that the prelude wrote. @returns undefined for any other line */
export function readMarked(line: string): Marked | undefined {
  const match = MARKED.exec(line);
  if (!match) return undefined;
  const worker = match[1]!;
  const rest = line.slice(match[0].length);
  if (match[2] === UNCAUGHT) return { worker, type: "uncaught", report: JSON.parse(rest) as UncaughtReport };
  return { worker, type: "log", message: match[2] === OTHER ? rest.replace(/^ /, "") : rest };
}

/** Takes our own frames out of a stack, or out of a log line that shows one. */
export function withoutPrelude(text: string): string {
  return text.includes(PRELUDE) ? text.replaceAll(OWN_FRAME, "") : text;
}

/** `console` with marks, as a script. */
export function consolePrelude(id: string): string {
  const [text, other] = [TEXT, OTHER].map((kind) => JSON.stringify(MARK + id + kind));
  return `for (const level of ["debug", "error", "info", "log", "warn"]) {
  const original = console[level].bind(console);
  console[level] = (...args) =>
    typeof args[0] === "string" ? original(${text} + args[0], ...args.slice(1)) : original(${other}, ...args);
}
`;
}

/** The same as a module, which wraps handlers as well (uncaught.ts). */
export function preludeModule(id: string): string {
  const mark = JSON.stringify(MARK + id + UNCAUGHT);
  return `const error = console.error.bind(console);
const say = (report) => error(${mark} + JSON.stringify(report));
${consolePrelude(id)}${UNCAUGHT_SOURCE}`;
}
