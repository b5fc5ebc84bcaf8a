import type { Options } from "yargs";
import { type TailEvent, type TailStatus, tail } from "../ops/tail.ts";
import { renderTailEvent } from "../output/tail.ts";
import type { Command, CommandEvent } from "./command.ts";
import { targetSelection } from "./target-input.ts";

const args = {
  format: {
    choices: ["pretty", "json"],
    default: "pretty",
    describe: "json: one line for each invocation, as the network tells it",
  },
  status: {
    choices: ["ok", "error", "canceled"],
    array: true,
    requiresArg: true,
    describe: "Only what ended so; repeatable",
  },
  method: { type: "string", array: true, requiresArg: true, describe: "Only requests with this method; repeatable" },
  header: { type: "string", describe: "Only requests with this header: NAME, or NAME:TEXT" },
  ip: {
    type: "string",
    array: true,
    requiresArg: true,
    describe: "Only requests from this address, or from yours (self); repeatable",
  },
  search: { type: "string", describe: "Only invocations that logged this text" },
  "sampling-rate": { type: "number", describe: "Share of the invocations, between 0 and 1" },
  "version-id": { type: "string", describe: "Only this version, by its number or id" },
} satisfies Record<string, Options>;

interface Args {
  services: string[];
  format: "pretty" | "json";
  status?: TailStatus[];
  method?: string[];
  header?: string;
  ip?: string[];
  search?: string;
  samplingRate?: number;
  versionId?: string;
}

const command: Command<Args, void> = {
  args,
  positionals: [
    { name: "services", type: "string", names: "service", describe: "Which ones; else the one here, or all" },
  ],
  examples: [
    ["troupe tail gateway --target cloudflare", "What gateway's production does, until Ctrl-C"],
    ["troupe tail -t cloudflare -e staging --status error", "What goes wrong in staging"],
  ],
  async run(given, context, emit) {
    const { services, format, status, method, header, ip, search, samplingRate, versionId } = given;
    const selection = targetSelection(given, context);
    const isRaw = format === "json";
    await tail({
      ...selection,
      ...(services.length > 0 && { service: services }),
      ...(status && { status }),
      ...(method && { method }),
      ...(header !== undefined && { header }),
      ...(ip && { ip }),
      ...(search !== undefined && { search }),
      ...(samplingRate !== undefined && { samplingRate }),
      ...(versionId !== undefined && { versionId }),
      signal: context.signal,
      ...(isRaw && { onTrace: (ref, trace) => emit({ reason: "trace", ...ref, trace }) }),
      onEvent(event) {
        if (event.reason === "ready") context.settled?.();
        if (!isRaw || !("time" in event)) emit(event as unknown as CommandEvent);
      },
    });
    emit({ reason: "exit" });
  },
  showEvent(event, output) {
    if (event.reason === "trace") output.line(JSON.stringify(event.trace));
    else if (event.reason !== "exit") renderTailEvent(event as unknown as TailEvent, output);
  },
};

export default command;
