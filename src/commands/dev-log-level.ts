/** `dev --log-level`: how much of what happens is shown. */
import type { DevEvent } from "../ops/dev/types.ts";

/** Wrangler's, each showing what stands before it, too. */
export const LOG_LEVELS = ["none", "error", "warn", "info", "log", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Without a level everything is shown. What `dev` says of itself counts as information. */
export function isShown(event: DevEvent, level: LogLevel | undefined): boolean {
  return level === undefined || LOG_LEVELS.indexOf(levelOf(event)) <= LOG_LEVELS.indexOf(level);
}

function levelOf(event: DevEvent): LogLevel {
  switch (event.reason) {
    case "build-error":
    case "exception":
    case "crashed":
      return "error";
    case "warning":
      return "warn";
    case "log":
      return LOG_LEVELS.find((level) => level === event.level) ?? "log";
    default:
      return "info";
  }
}
