/** How the log of deployed services reads on a terminal: as that of `dev`. */
import type { TailEvent } from "../ops/tail.ts";
import { frames, prefix, status } from "./dev.ts";
import type { Output, Style } from "./output.ts";

/** Draws one event of `tail`. */
export function renderTailEvent(event: TailEvent, output: Output): void {
  const { style } = output;
  const { service, environment } = event;
  const name = environment === "production" ? service : `${service}@${environment}`;
  /** What others could write is shown, but does nothing to the terminal. */
  const say = (text: string, mark = ""): void => {
    for (const [index, line] of text.split("\n").entries()) {
      output.line(`${prefix(style, name)} ${index === 0 ? mark : mark && "  "}${harmless(line)}`);
    }
  };
  switch (event.reason) {
    case "ready":
      output.note(style.dim(`${event.again ? "Connected again to" : "Connected to"} ${event.script}`));
      return;
    case "lost":
      output.note(style.yellow(`The log of ${name} was lost (${harmless(event.why)}); opening it again`));
      return;
    case "overload":
      output.note(style[event.over ? "green" : "yellow"](`${name}: ${harmless(event.message)}`));
      return;
    case "log":
      say(event.message, event.level === "error" ? style.red("✖ ") : event.level === "warn" ? style.yellow("▲ ") : "");
      return;
    case "exception":
      say(`Uncaught ${event.name}: ${event.message}`, style.red("✖ "));
      for (const frame of frames(event.stack)) output.line(`${prefix(style, name)}   ${style.dim(harmless(frame))}`);
      return;
    default:
      output.line(`${prefix(style, name)} ${summary(event, style)}${ending(event, style)}`);
  }
}

type Invocation = Extract<TailEvent, { outcome: string }>;

function summary(event: Invocation, style: Style): string {
  switch (event.reason) {
    case "request":
      return `${harmless(`${event.method} ${event.path}`)}${event.status === undefined ? "" : ` ${status(style, event.status)}`}`;
    case "scheduled":
      return `scheduled ${harmless(event.cron)}`;
    case "alarm":
      return "alarm";
    case "queue":
      return `queue ${harmless(event.queue)} ${event.messages} message${event.messages === 1 ? "" : "s"}`;
    case "email":
      return `email from ${harmless(event.from)} to ${harmless(event.to)} (${event.size} bytes)`;
    case "rpc":
      return harmless(event.entrypoint === undefined ? event.method : `${event.entrypoint}.${event.method}`);
    case "tail":
      return `tail of ${harmless(event.of.join(", "))}`;
    case "invocation":
      return harmless(event.entrypoint ?? "called");
  }
}

const OUTCOMES: Record<string, string> = {
  exception: "threw",
  exceededCpu: "took more CPU time than allowed",
  exceededMemory: "took more memory than allowed",
  canceled: "canceled by the client",
  responseStreamDisconnected: "the client went away",
  scriptNotFound: "no such Worker",
};

/** ` ok 12 ms`: a request that went well says so by its status. */
function ending(event: Invocation, style: Style): string {
  const { outcome, ms } = event;
  const isOk = outcome === "ok";
  const isSaid = isOk && event.reason === "request" && event.status !== undefined;
  const word = isOk
    ? style.green("ok")
    : style[outcome === "canceled" ? "yellow" : "red"](OUTCOMES[outcome] ?? outcome);
  return `${isSaid ? "" : ` ${word}`}${ms === undefined ? "" : ` ${style.dim(`${Math.round(ms)} ms`)}`}`;
}

/** Control characters as they are written in JSON; tabs stay. */
function harmless(text: string): string {
  return text.replace(
    /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
