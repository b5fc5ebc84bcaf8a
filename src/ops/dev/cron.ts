/** `dev --cron`: fires the cron triggers of all running services on their schedule, in UTC as the platform does. */
import { type CronTrigger, createCrons } from "../../host/broker/index.ts";
import { splitId } from "./plan.ts";
import type { DevSession } from "./session.ts";
import type { DevEvent, DevOptions } from "./types.ts";

/** How often the schedules are compared with those of the running graph, in ms: they change with the config. */
const RECHECK = 1000;

/** Fires cron triggers when the clock says so, until it is stopped. */
export function startCron(session: DevSession, { onEvent, now }: DevOptions): { stop(): void } {
  const emit = (event: DevEvent): void => onEvent?.(event);
  const fire = async ({ worker, cron }: CronTrigger, time: Date): Promise<void> => {
    const { outcome } = await session.runtime
      .scheduled(worker, { cron, time })
      .catch((error: Error) => ({ outcome: error.message }));
    emit({ reason: "scheduled", ...splitId(worker), cron, outcome });
  };
  const crons = createCrons({
    ...(now && { now }),
    // One that is no time was told when the config was read.
    fire: (trigger, time) => void fire(trigger, time),
  });
  const follow = (): void => {
    const environments = session.plan?.graph.environments ?? [];
    crons.set([...environments].flatMap(([worker, { crons: own }]) => own.map((cron) => ({ worker, cron }))));
  };
  follow();
  const timer = setInterval(follow, RECHECK);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      crons.stop();
    },
  };
}
