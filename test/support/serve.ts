/** A running `troupe serve`, and how its environments answer. */
import path from "node:path";
import { onTestFinished } from "vitest";
import { type CliEvent, type CliOptions, type RunningTroupe, startTroupe } from "./cli.ts";
import { type Answer, type RequestOptions, request } from "./dev.ts";
import { makeFolder, removeFolder } from "./files.ts";
import { TestStore } from "./store.ts";

export interface Serve {
  running: RunningTroupe;
  ready: CliEvent;
  port: number;
  /** Asks `<label>.localhost`. */
  get(label: string, path?: string, init?: RequestOptions): Promise<Answer>;
  mark(): number;
  next(reason: string, after?: number, wanted?: (event: CliEvent) => boolean): Promise<CliEvent>;
  /** The place behind the first such event, for `next`: what follows may have come before the test gets its turn. */
  behind(reason: string, after?: number, wanted?: (event: CliEvent) => boolean): Promise<number>;
  /** Asks the control API. */
  control(path: string): Promise<{ status: number; body: string }>;
}

/** A store in a folder of its own, gone when the running test ends. */
export function testStore(): TestStore {
  const folder = makeFolder();
  const store = new TestStore(path.join(folder, ".troupe"));
  onTestFinished(() => {
    store.close();
    removeFolder(folder);
  });
  return store;
}

/** Starts `troupe serve --json` on a free port; stopped when the running test ends. */
export async function startServe(stateDir: string, args: string[] = [], options: CliOptions = {}): Promise<Serve> {
  const running = startTroupe(["serve", "--json", "--port", "0", "--state-dir", stateDir, ...args], options);
  onTestFinished(() => running.stop().then(() => {}));
  const ready = await running.event((event) => event.reason === "ready");
  const port = Number(new URL(ready.url).port);
  return {
    running,
    ready,
    port,
    get: (label, url, init) => request(port, `${label}.localhost`, url, init),
    mark: () => running.events.length,
    next: (reason, after = 0, wanted = () => true) =>
      running.event((event) => event.reason === reason && wanted(event), after),
    async behind(reason, after = 0, wanted = () => true) {
      const isIt = (event: CliEvent): boolean => event.reason === reason && wanted(event);
      await running.event(isIt, after);
      return running.events.findIndex((event, index) => index >= after && isIt(event)) + 1;
    },
    async control(url) {
      const response = await fetch(new URL(url, ready.controlUrl));
      return { status: response.status, body: await response.text() };
    },
  };
}
