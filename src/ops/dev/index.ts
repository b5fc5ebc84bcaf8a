/** `troupe dev`, and `startDev` for people's own tests. */
import type { DevDoor } from "./door.ts";
import { chooseListening, type Listening } from "./listen.ts";
import { checkOverrides, withPaths } from "./overrides.ts";
import { urlsOf } from "./plan.ts";
import { DevSession } from "./session.ts";
import type { DevEvent, DevOptions, DevServer } from "./types.ts";

export type { DevEvent, DevOptions, DevServer, GraphView } from "./types.ts";

/** A build may take long; who comes meanwhile waits for it, and is not turned away. In ms. */
const OPEN_AFTER = 1_000;

/**
 * Runs services from source, with everything they bind, in one process; reloads when files change.
 * @throws TroupeError CONFIG, NOT_FOUND, CONFLICT (port or data folder in use); BUILD and START unless `keepGoing`
 */
export async function startDev(given: DevOptions): Promise<DevServer> {
  const options = withPaths(given);
  const emit = (event: DevEvent): void => options.onEvent?.(event);

  let listening: Listening | undefined;
  let door: DevDoor | undefined;
  let opening: Promise<void> | undefined;
  // What a door is made of takes a while to load: best while the runtime starts.
  const open = (): Promise<void> => {
    opening ??= import("./door.ts").then(async ({ openDoor }) => {
      door = await openDoor({ session, options, listening: listening!, emit });
    });
    return opening;
  };
  const origin = (label: string): string =>
    `${listening?.https ? "https" : "http"}://${label ? `${label}.` : ""}localhost:${door!.port}`;
  const session = new DevSession(options, {
    emit,
    open,
    origin,
    settled: () => door?.refresh(),
    observe: (event) => door?.observe(event),
  });
  let late: NodeJS.Timeout | undefined;
  const giveUp = (): void => void session.runtime.close();
  options.signal?.addEventListener("abort", giveUp, { once: true });
  try {
    const plan = await session.load();
    await checkOverrides(options, plan);
    listening = await chooseListening(options, plan.graph.environments.get(plan.primary)!);
    for (const diagnostic of listening.warnings) emit({ reason: "warning", diagnostic });
    late = setTimeout(() => void open().catch(() => {}), OPEN_AFTER);
    await session.start(listening.inspectorPort);
    await open();
  } catch (error) {
    clearTimeout(late);
    await opening?.catch(() => {});
    await door?.close();
    await session.stop();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", giveUp);
  }
  clearTimeout(late);
  const { port: opened, fetch: send, close: closeDoor } = door!;
  const cron = options.cron ? (await import("./cron.ts")).startCron(session, options) : undefined;
  let stopping: Promise<void> | undefined;

  return {
    url: origin(""),
    port: opened,
    get urls() {
      return session.plan ? urlsOf(session.plan, origin) : {};
    },
    view: () => session.view(),
    fetch: (input, init) => send(new URL(input, origin("")), init),
    reload: () => session.change(),
    stop() {
      stopping ??= (async () => {
        cron?.stop();
        await closeDoor();
        await session.stop();
      })();
      return stopping;
    },
  };
}
