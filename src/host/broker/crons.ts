/** Fires cron triggers when their time has come, in UTC. What was missed while nobody ran is not made up for. */
import { cronTimes } from "../../lib/cron.ts";

/** One cron trigger of one worker. */
export interface CronTrigger {
  worker: string;
  cron: string;
}

export interface CronOptions {
  fire(trigger: CronTrigger, time: Date): void;
  /** A trigger that says no time; told once. */
  onInvalid?(trigger: CronTrigger, why: string): void;
  /** Milliseconds since the epoch. */
  now?(): number;
}

export interface Crons {
  /** What there is to fire from now on. */
  set(triggers: readonly CronTrigger[]): void;
  stop(): void;
}

/** The clock is looked at so often, in ms: it may be set, and the machine may sleep. */
const LOOK = 30_000;

/** The clock of cron triggers: calls `fire` when one is due, and `onInvalid` once for an expression that can't be read. */
export function createCrons({ fire, onInvalid, now = Date.now }: CronOptions): Crons {
  const jobs = new Map<string, { trigger: CronTrigger; next: () => number | undefined; at: number | undefined }>();
  const invalid = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const plan = (): void => {
    clearTimeout(timer);
    const times = [...jobs.values()].flatMap(({ at }) => (at === undefined ? [] : [at]));
    if (times.length === 0) return;
    const wait = times.reduce((a, b) => Math.min(a, b)) - now();
    timer = setTimeout(look, Math.max(0, Math.min(wait, LOOK)));
    timer.unref();
  };
  const look = (): void => {
    const time = now();
    for (const job of jobs.values()) {
      if (job.at === undefined || job.at > time) continue;
      const due = new Date(job.at);
      job.at = job.next();
      fire(job.trigger, due);
    }
    plan();
  };

  return {
    set(triggers) {
      const wanted = new Map(triggers.map((trigger) => [`${trigger.worker} ${trigger.cron}`, trigger]));
      for (const key of jobs.keys()) if (!wanted.has(key)) jobs.delete(key);
      for (const [key, trigger] of wanted) {
        if (jobs.has(key) || invalid.has(key)) continue;
        try {
          const times = cronTimes(trigger.cron);
          const next = (): number | undefined => times.next(now());
          jobs.set(key, { trigger, next, at: next() });
        } catch (error) {
          invalid.add(key);
          onInvalid?.(trigger, (error as Error).message);
        }
      }
      plan();
    },
    stop() {
      clearTimeout(timer);
      jobs.clear();
    },
  };
}
