/** Notices what other processes commit to the store. */
import { watch } from "node:fs";
import path from "node:path";
import type { Store } from "../../store/index.ts";

/** SQLite's counter costs microseconds to read, and is right where file events are late or never come. */
const INTERVAL = 50;

export interface StoreWatch {
  /** Looks at once, for somebody who cannot wait. */
  check(): void;
  stop(): void;
}

/**
 * @param onChange called after every change; when it throws, it is called again
 * @param onError gets what `onChange` threw, and errors of the store, once for each message
 */
export function watchStore(store: Store, onChange: () => void, onError: (error: Error) => void): StoreWatch {
  let seen = store.dataVersion();
  let said: string | undefined;
  const check = (): void => {
    try {
      const version = store.dataVersion();
      if (version === seen) return;
      onChange();
      seen = version;
      said = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== said) onError(error as Error);
      said = message;
    }
  };
  const timer = setInterval(check, INTERVAL);
  const name = path.basename(store.file);
  // A nudge, for what the interval would see a little later.
  const watcher = watch(path.dirname(store.file), (_event, file) => {
    if (file === null || file.startsWith(name)) check();
  });
  watcher.on("error", () => watcher.close());
  return {
    check,
    stop() {
      clearInterval(timer);
      watcher.close();
    },
  };
}
