/** Log lines, and what workers say about exceptions, of one generation → events. */
import { readMarked, type UncaughtReport, withoutPrelude } from "./prelude.ts";
import { type StackMapper, stackMapper } from "./stacks.ts";
import type { TailReport } from "./tail.ts";
import type { GraphSpec, LogLevel, RuntimeEvent } from "./types.ts";

type Exception = Extract<RuntimeEvent, { type: "exception" }>;

/** An error that comes from another worker has been told by that one within this time, in ms. */
const SAME_WITHIN = 5_000;
const KEPT = 50;

/** Reads what workers log and throw out of the runtime's output, in the lines of the user's files. */
export class EventReader {
  #spec: GraphSpec;
  #emit: ((event: RuntimeEvent) => void) | undefined;
  #mappers = new Map<string, StackMapper>();
  #recent: { exception: Exception; at: number }[] = [];

  constructor(spec: GraphSpec, emit: ((event: RuntimeEvent) => void) | undefined) {
    this.#spec = spec;
    this.#emit = emit;
  }

  /** Whether anybody wants to know. */
  get listened(): boolean {
    return this.#emit !== undefined;
  }

  /** The code is another one now. */
  follow(spec: GraphSpec): void {
    this.#spec = spec;
    this.#mappers.clear();
  }

  /** @param timestamp what workerd says: the time of the last I/O, which before any is 0 */
  log(text: string, level: string, timestamp: number): void {
    const marked = readMarked(text);
    // Lines without a mark are workerd's own, and what the tail Worker tells as well.
    if (!marked || !this.#emit) return;
    const time = timestamp > 0 ? timestamp : Date.now();
    if (marked.type === "uncaught") {
      this.#exception(marked.worker, marked.report, time);
      return;
    }
    this.#emit({
      type: "log",
      worker: marked.worker,
      level: logLevel(level),
      message: this.#mapper(marked.worker).map(withoutPrelude(marked.message)).stack,
      time,
    });
  }

  report(report: TailReport): void {
    for (const { level, message, timestamp } of report.logs) {
      const text = message.map((part) => (typeof part === "string" ? part : JSON.stringify(part))).join(" ");
      this.#emit?.({ type: "log", worker: report.worker, level: logLevel(level), message: text, time: timestamp });
    }
    for (const { timestamp, ...exception } of report.exceptions) {
      this.#exception(report.worker, { ...exception, ray: report.ray }, timestamp);
    }
  }

  /** Errors travel: each worker that one passes tells it once, and the place where it was thrown learns of the ray. */
  #exception(worker: string, { name, message, stack, ray, passed }: UncaughtReport, time: number): void {
    const mapped = stack ? this.#mapper(worker).map(withoutPrelude(stack)) : undefined;
    const exception: Exception = { type: "exception", worker, name, message, ...mapped, ray, time };
    // What came over RPC says so; what came over fetch has lost the stack that it had.
    const before = passed || !stack ? this.#before(exception).filter((each) => passed || each.stack) : [];
    const origin = before.at(0);
    if (origin && ray !== undefined && origin.ray === undefined) {
      origin.ray = ray;
      this.#emit?.({ ...origin, again: true });
    }
    if (before.some((each) => each.worker === worker)) return;
    this.#recent.push({ exception, at: performance.now() });
    this.#emit?.({ ...exception });
  }

  /** The same error as it was told before, the first one first. One request's error is not taken for another's. */
  #before({ message, ray }: Exception): Exception[] {
    const now = performance.now();
    this.#recent = this.#recent.filter(({ at }) => now - at < SAME_WITHIN).slice(-KEPT);
    return this.#recent
      .map(({ exception }) => exception)
      .filter((each) => each.message === message && (!each.ray || !ray || each.ray === ray));
  }

  #mapper(id: string): StackMapper {
    let mapper = this.#mappers.get(id);
    if (!mapper) {
      const worker = this.#spec.workers.find((candidate) => candidate.id === id);
      mapper = worker ? stackMapper(worker.bundle, worker.environment.dir) : { map: (stack) => ({ stack }) };
      this.#mappers.set(id, mapper);
    }
    return mapper;
  }
}

function logLevel(level: string): LogLevel {
  return level === "debug" || level === "info" || level === "warn" || level === "error" ? level : "log";
}
