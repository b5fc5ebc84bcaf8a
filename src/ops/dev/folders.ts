/**
 * Hears what happens in folders, from the very moment it is told to. chokidar reads a folder and watches it afterwards, and
 * waits for what is missing only after it has looked for it: what is saved in between, it takes for what was there at first.
 * It also swallows a second change of a file within 50 ms (a formatter that follows a save).
 */
import { type FSWatcher, statSync, watch } from "node:fs";
import path from "node:path";

export interface FolderHooks {
  /** Something happened to this path. */
  changed(path: string): void;
  /** A folder that was not there is heard from now on; what is in it came before. */
  appeared(folder: string): void;
}

/** Folders that are heard, each by itself and not those below it. */
export class Folders {
  #heard = new Map<string, FSWatcher>();
  /** Not there yet: those asked for, and what lies between them and the nearest that is there. */
  #awaited = new Set<string>();
  #hooks: FolderHooks;
  #closed = false;

  constructor(hooks: FolderHooks) {
    this.#hooks = hooks;
  }

  /** From here on every change in this folder is told; if there is none yet, as soon as there is. */
  hear(folder: string): void {
    if (this.#heard.has(folder)) return;
    if (this.#begin(folder)) {
      if (this.#awaited.has(folder)) this.#arrived(folder);
      return;
    }
    this.#awaited.add(folder);
    const parent = path.dirname(folder);
    if (parent === folder) return;
    this.hear(parent);
    // It may have come before its parent was heard.
    this.look(folder);
  }

  /** Hears a folder that has come by now, and tells so; does nothing about one that is heard, or is none. */
  look(folder: string): void {
    if (!this.#heard.has(folder) && this.#begin(folder)) this.#arrived(folder);
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#heard.values()) watcher.close();
    this.#heard.clear();
    this.#awaited.clear();
  }

  #begin(folder: string): boolean {
    if (this.#closed || !isFolder(folder)) return false;
    const old = this.#heard.get(folder);
    try {
      const watcher = watch(folder, (_event, name) => this.#onEvent(folder, name));
      watcher.on("error", () => this.#end(folder, watcher));
      this.#heard.set(folder, watcher);
    } catch {
      // Gone again, or more folders than the system can watch: then chokidar has to do.
      if (!isFolder(folder)) return false;
    }
    // Not before the new one is there, or what happens in between would be lost.
    old?.close();
    return true;
  }

  #arrived(folder: string): void {
    this.#awaited.delete(folder);
    this.#hooks.appeared(folder);
    for (const each of [...this.#awaited]) if (path.dirname(each) === folder) this.look(each);
  }

  #end(folder: string, watcher: FSWatcher): void {
    watcher.close();
    if (this.#heard.get(folder) === watcher) this.#heard.delete(folder);
  }

  #onEvent(folder: string, name: string | null): void {
    const changed = name === null ? folder : path.join(folder, name);
    // So it is told that the folder itself has gone, or is another one by now.
    if (name === path.basename(folder)) this.#again(folder);
    if (this.#awaited.has(changed)) this.look(changed);
    this.#hooks.changed(changed);
  }

  #again(folder: string): void {
    const watcher = this.#heard.get(folder);
    if (this.#begin(folder)) this.#arrived(folder);
    else if (watcher) {
      this.#end(folder, watcher);
      this.hear(folder);
    }
  }
}

function isFolder(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false; // not to be read
  }
}
