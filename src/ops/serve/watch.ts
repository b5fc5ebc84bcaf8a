/** Notices what other processes commit to the store. */
import { statSync, watch } from "node:fs";
import path from "node:path";
import { TroupeError } from "../../errors.ts";
import type { Store } from "../../store/index.ts";

/** SQLite's counter costs microseconds to read, and is right where file events are late or never come. */
const INTERVAL = 50;

export interface StoreWatch {
  /** Looks at once, for somebody who cannot wait. */
  check(): void;
  stop(): void;
}

function replaced(file: string): TroupeError {
  return new TroupeError("STORE", `The store ${file} was deleted or replaced`, {
    notes: ["What runs goes on. Start `troupe serve` again for what is deployed from now on"],
  });
}

/**
 * @param onChange called after every change; when it throws, it is called again
 * @param onError gets what `onChange` threw, and errors of the store, once for each message
 */
export function watchStore(store: Store, onChange: () => void, onError: (error: Error) => void): StoreWatch {
  const fileId = (): number | undefined => statSync(store.file, { throwIfNoEntry: false })?.ino;
  const opened = fileId();
  let seen = store.dataVersion();
  let said: string | undefined;
  const check = (): void => {
    try {
      // What was opened is there as long as it is open, and changes no more.
      if (fileId() !== opened) throw replaced(store.file);
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
