/** Cron expressions in Cloudflare's dialect. */
import { Cron } from "croner";

/**
 * When a cron expression fires next: in UTC, with weekdays from 1 (Sunday) to 7 (Saturday).
 * https://developers.cloudflare.com/workers/configuration/cron-triggers/#supported-cron-expressions
 * @throws Error when the expression is none
 */
export function cronTimes(expression: string): { next(after: number): number | undefined } {
  const cron = new Cron(expression, { paused: true, timezone: "UTC", mode: "5-part", alternativeWeekdays: true });
  return { next: (after) => cron.nextRun(new Date(after))?.getTime() };
}
