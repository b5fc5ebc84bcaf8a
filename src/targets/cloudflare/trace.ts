/**
 * What a tail tells of one invocation, as events like those of `dev`.
 * https://developers.cloudflare.com/workers/runtime-apis/handlers/tail/#tailitems
 */
import { formatWithOptions } from "node:util";
import type { EnvironmentRef } from "../../model.ts";

/** One invocation. What is told of it depends on how it was called. */
export interface Trace {
  outcome: string;
  scriptName?: string | null;
  entrypoint?: string;
  scriptVersion?: { id?: string; tag?: string } | null;
  eventTimestamp?: number | null;
  wallTime?: number;
  cpuTime?: number;
  logs?: { level: string; message: unknown; timestamp: number; errorInfo?: ({ stack?: string } | null)[] }[];
  exceptions?: { name: string; message: unknown; stack?: string; timestamp: number }[];
  event?: Partial<
    TraceRequest &
      TraceCron &
      TraceQueue &
      TraceEmail & {
        rpcMethod: string;
        consumedEvents: { scriptName?: string | null }[];
        message: string;
        type: string;
      }
  > | null;
}

interface TraceRequest {
  request: { url: string; method: string };
  response: { status: number };
}

interface TraceCron {
  cron: string;
  /** Without a cron: of an alarm. */
  scheduledTime: number | string;
}

interface TraceQueue {
  queue: string;
  batchSize: number;
}

interface TraceEmail {
  mailFrom: string;
  rcptTo: string;
  rawSize: number;
}

/** How it ended. `outcome` is the network's own word: `ok`, `exception`, `exceededCpu`, `canceled`… */
interface Invocation extends EnvironmentRef {
  outcome: string;
  time: string;
  /** Of the clock. */
  ms?: number;
  cpuMs?: number;
  /** Id of the version that ran. */
  versionId?: string;
}

export type TraceEvent =
  | (Invocation & { reason: "request"; method: string; path: string; url: string; status?: number })
  | (Invocation & { reason: "scheduled"; cron: string })
  | (Invocation & { reason: "alarm"; scheduledTime: string })
  | (Invocation & { reason: "queue"; queue: string; messages: number })
  | (Invocation & { reason: "email"; from: string; to: string; size: number })
  | (Invocation & { reason: "rpc"; entrypoint?: string; method: string })
  | (Invocation & { reason: "tail"; of: string[] })
  /** Called in some other way. */
  | (Invocation & { reason: "invocation"; entrypoint?: string })
  | (EnvironmentRef & { reason: "log"; level: string; message: string; time: string })
  | (EnvironmentRef & { reason: "exception"; name: string; message: string; stack?: string; time: string })
  /** More is going on than a tail can carry: some of it is left out. */
  | (EnvironmentRef & { reason: "overload"; message: string; over: boolean });

/** What happened first comes first: the invocation, then what it said. */
export function eventsOf(trace: Trace, ref: EnvironmentRef): TraceEvent[] {
  const { logs = [], exceptions = [], event } = trace;
  if (event?.type !== undefined && event.message !== undefined) {
    return [{ reason: "overload", ...ref, message: event.message, over: event.type === "overload-stop" }];
  }
  return [
    invocation(trace, ref),
    ...logs.map(
      ({ level, message, timestamp, errorInfo }): TraceEvent => ({
        reason: "log",
        ...ref,
        level,
        message: messageOf(message, errorInfo),
        time: timeOf(timestamp),
      }),
    ),
    ...exceptions.map(
      ({ name, message, stack, timestamp }): TraceEvent => ({
        reason: "exception",
        ...ref,
        name,
        message: messageOf(message),
        ...(stack && { stack }),
        time: timeOf(timestamp),
      }),
    ),
  ];
}

function invocation(trace: Trace, ref: EnvironmentRef): TraceEvent {
  const { event, outcome, eventTimestamp, wallTime, cpuTime, scriptVersion, entrypoint } = trace;
  const common: Invocation = {
    ...ref,
    outcome,
    time: timeOf(eventTimestamp),
    ...(wallTime !== undefined && { ms: wallTime }),
    ...(cpuTime !== undefined && { cpuMs: cpuTime }),
    ...(scriptVersion?.id && { versionId: scriptVersion.id }),
  };
  const at = entrypoint ? { entrypoint } : {};
  const {
    request,
    response,
    cron,
    scheduledTime,
    queue,
    batchSize = 0,
    mailFrom,
    rpcMethod,
    consumedEvents,
  } = event ?? {};
  if (request) {
    const { method, url } = request;
    const path = pathOf(url);
    return { reason: "request", method, path, url, ...(response && { status: response.status }), ...common };
  }
  if (cron !== undefined) return { reason: "scheduled", cron, ...common };
  if (scheduledTime !== undefined) return { reason: "alarm", scheduledTime: timeOf(scheduledTime), ...common };
  if (queue !== undefined) return { reason: "queue", queue, messages: batchSize, ...common };
  if (mailFrom !== undefined) {
    const { rcptTo = "", rawSize = 0 } = event!;
    return { reason: "email", from: mailFrom, to: rcptTo, size: rawSize, ...common };
  }
  if (rpcMethod !== undefined) return { reason: "rpc", ...at, method: rpcMethod, ...common };
  if (consumedEvents) {
    const names = consumedEvents.flatMap(({ scriptName }) => scriptName ?? []);
    return { reason: "tail", of: [...new Set(names)], ...common };
  }
  return { reason: "invocation", ...at, ...common };
}

/** What `console` was given, as it would have written it; errors with their frames. */
function messageOf(message: unknown, errors: readonly ({ stack?: string } | null)[] = []): string {
  const text = Array.isArray(message) ? formatWithOptions({ depth: 6 }, ...message) : formatWithOptions({}, message);
  const stacks = errors.flatMap((error) => error?.stack ?? []).filter((stack) => !text.includes(stack));
  const frames = stacks.map((stack) => stack.slice(stack.search(/^\s+at /m)).replace(/^\n/, ""));
  return [text, ...frames].join("\n");
}

function timeOf(timestamp: number | string | null | undefined): string {
  const date = new Date(timestamp ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}

/** A URL may have parts that were made unreadable on purpose (REDACTED), but it stays one. */
function pathOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed ? `${parsed.pathname}${parsed.search}` : url;
}
