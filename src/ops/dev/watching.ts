/** What a run watches: nothing until it is started, from then on always what the last cycle has read. */
import { createWatcher, isConfigName, type Watcher } from "./watch.ts";

export interface Watched {
  files: Iterable<string>;
  /** Everything below them. */
  folders: Iterable<string>;
  /** Where config files of new members may turn up. */
  nests?: Iterable<string> | undefined;
}

/** Starts the watcher once, and tells it after every cycle what to look at. */
export class Watching {
  #watcher: Watcher | undefined;
  #started: Promise<void> | undefined;
  #closed = false;
  #watched: () => Watched;
  #onChange: (files: string[]) => void;

  /**
   * @param watched what to watch now
   * @param onChange gets the files of one burst of saves
   */
  constructor(watched: () => Watched, onChange: (files: string[]) => void) {
    this.#watched = watched;
    this.#onChange = onChange;
  }

  /**
   * Best called when this thread has nothing else to do. Resolves when whatever is saved will be seen.
   * @param since as in `update`
   */
  start(since: number): Promise<void> {
    this.#started ??= (async () => {
      if (this.#closed) return;
      this.#watcher = await createWatcher(this.#onChange, { isNestling: isConfigName });
      this.update(since);
      if (this.#closed) await this.#watcher.close();
      await this.#watcher.ready;
    })();
    return this.#started;
  }

  /**
   * Other files may have been read.
   * @param since when they were read at the earliest, in ms since 1970: what was saved later counts as changed
   */
  update(since: number): void {
    if (!this.#watcher || this.#closed) return;
    const { files, folders, nests } = this.#watched();
    this.#watcher.set(files, folders, nests, since);
  }

  /** Something was saved a moment ago: resolves when it has been told. */
  get burst(): Promise<void> | undefined {
    return this.#watcher?.burst;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#watcher?.close();
  }
}
