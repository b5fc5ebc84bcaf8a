/** `dev --cron`: fires the cron triggers of all running services on their schedule, in UTC as the platform does. */
import { Cron } from "croner";
import { refId } from "../../model.ts";
import type { DevSession } from "./session.ts";
import type { DevEvent } from "./types.ts";

/** How often the schedules are compared with those of the running graph, in ms: they change with the config. */
const RECHECK = 1000;

export function startCron(session: DevSession, emit: (event: DevEvent) => void): { stop(): void } {
  const jobs = new Map<string, Cron>();
  const reconcile = (): void => {
    const wanted = new Map<string, { worker: string; cron: string; service: string; environment: string }>();
    for (const environment of session.plan?.graph.environments.values() ?? []) {
      const ref = { service: environment.service, environment: environment.name };
      for (const cron of environment.crons) wanted.set(`${refId(ref)} ${cron}`, { worker: refId(ref), cron, ...ref });
    }
    for (const [key, job] of jobs) {
      if (wanted.has(key)) continue;
      job.stop();
      jobs.delete(key);
    }
    for (const [key, { worker, cron, ...ref }] of wanted) {
      if (jobs.has(key)) continue;
      const fire = async (): Promise<void> => {
        const { outcome } = await session.runtime
          .scheduled(worker, { cron })
          .catch((error: Error) => ({ outcome: error.message }));
        emit({ reason: "scheduled", ...ref, cron, outcome });
      };
      jobs.set(key, new Cron(cron, { timezone: "UTC", unref: true, protect: true }, fire));
    }
  };
  reconcile();
  const timer = setInterval(reconcile, RECHECK);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      for (const job of jobs.values()) job.stop();
    },
  };
}
