/** Watches files by their folders, and turns bursts of saves into one change. */
import { type Stats, statSync } from "node:fs";
import path from "node:path";
import type { FSWatcher } from "chokidar";
import type { Workspace } from "../../model.ts";
import { Folders } from "./folders.ts";

/** Quiet time after which a burst is over, in ms. Editors that save by rename touch a file two or three times. */
const QUIET = 25;
/** A burst that never rests is cut here. */
const LONGEST = 250;

export interface Watcher {
  /**
   * Replaces what is watched. Paths may not exist yet; a folder stands for everything below it.
   * @param nests folders in which files with certain names may turn up, themselves and a few levels below
   * @param since what is asked for the first time counts as changed if it was saved later than this, in ms since 1970
   */
  set(files: Iterable<string>, folders: Iterable<string>, nests?: Iterable<string>, since?: number): void;
  /** Resolves when all that is there at first has been looked at. */
  ready: Promise<void>;
  /** Something was saved a moment ago: resolves when it has been told. */
  readonly burst: Promise<void> | undefined;
  close(): Promise<void>;
}

/** How deep below a nest a file may turn up: `services/*` has its config files one level down, `**` some more. */
const NEST_DEPTH = 4;
const UNWATCHED = /(^|[\\/])(\.git|\.troupe|\.wrangler)$/;

function isGone(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) === undefined;
}

function isEmpty(file: string): boolean {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats?.isFile() === true && stats.size === 0;
}

/** When a file was written, or moved here, in ms since 1970. */
function changeTime(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.ctimeMs ?? Number.NEGATIVE_INFINITY;
}

export interface WatchOptions {
  /** Whether a file of this name in a nest is of interest. */
  isNestling?(file: string): boolean;
}

/** @param onChange gets the absolute paths of one burst; called again only for later bursts. */
export async function createWatcher(
  onChange: (changed: string[]) => void,
  { isNestling = () => false }: WatchOptions = {},
): Promise<Watcher> {
  const { watch } = await import("chokidar");
  let nests: string[] = [];
  let files = new Set<string>();
  let folders: string[] = [];
  const watchedFolders = new Set<string>();
  /** By folder: files below that are newer than this, in ms since 1970, are news when they are met for the first time. */
  const newsSince = new Map<string, number>();
  const met = new Set<string>();
  const pending = new Set<string>();
  let burst: { promise: Promise<void>; end(): void } | undefined;
  /** Told to be gone: chokidar says it again, a tenth of a second after the folder did. */
  const gone = new Set<string>();
  let quiet: NodeJS.Timeout | undefined;
  let firstAt = 0;

  // Folders are watched, not files: a file that is replaced, or not there yet, is seen all the same.
  const options = {
    ignoreInitial: true,
    persistent: true,
    ignored: (candidate: string, stats?: Stats) => {
      // Asked about everything that is found, with its dates.
      if (stats?.isFile()) meet(candidate, stats);
      if (UNWATCHED.test(candidate)) return true;
      if (stats?.isDirectory()) {
        if (!isWalked(candidate)) return true;
        heard.hear(candidate);
      }
      // Unasked-for files cost one check.
      return stats?.isFile() === true && !isWanted(candidate) && !watchedFolders.has(candidate);
    },
  };
  let watcher: FSWatcher | undefined;
  let markReady = (): void => {};
  const ready = new Promise<void>((resolve) => {
    markReady = resolve;
  });
  const heard = new Folders({
    changed(file) {
      // chokidar may have read the folder above before this one was there.
      if (isWalked(file)) heard.look(file);
      noteChange(file);
    },
    appeared(folder) {
      newsSince.set(folder, Number.NEGATIVE_INFINITY);
      for (const file of files) if (path.dirname(file) === folder && !isGone(file)) noteChange(file);
      add([folder]);
    },
  });

  /** A file below a folder is found: was it saved before it could be seen? */
  function meet(file: string, stats: Stats): void {
    if (met.has(file)) return;
    met.add(file);
    if (stats.ctimeMs > sinceIn(path.dirname(file))) noteChange(file);
  }

  function sinceIn(folder: string): number {
    const since = newsSince.get(folder);
    const parent = path.dirname(folder);
    if (since !== undefined) return since;
    return parent === folder ? Number.POSITIVE_INFINITY : sinceIn(parent);
  }

  /** Whether somebody asked for this folder, or for what may be below it. */
  function isWalked(folder: string): boolean {
    return !UNWATCHED.test(folder) && (isWanted(folder) || watchedFolders.has(folder) || insideNest(folder));
  }

  function isWanted(candidate: string): boolean {
    return files.has(candidate) || insideFolder(candidate) || (isNestling(candidate) && insideNest(candidate));
  }

  function insideNest(candidate: string): boolean {
    return nests.some((nest) => {
      const below = path.relative(nest, candidate);
      if (below.startsWith("..") || path.isAbsolute(below)) return false;
      const parts = below.split(path.sep);
      return parts.length <= NEST_DEPTH && !parts.some((part) => part === "node_modules" || part.startsWith("."));
    });
  }

  function insideFolder(candidate: string): boolean {
    return folders.some((folder) => candidate === folder || candidate.startsWith(folder + path.sep));
  }

  /** The first call starts the watcher, so that `ready` means these very paths. */
  function add(paths: string[]): void {
    if (watcher) {
      watcher.add(paths);
      return;
    }
    // chokidar counts a path that is not there twice, and would be ready before the others are watched.
    const missing = paths.filter(isGone);
    const there = paths.filter((each) => !missing.includes(each));
    watcher = watch(there, options);
    const started = watcher;
    const begin = (): void => {
      if (missing.length > 0) started.add(missing);
      markReady();
    };
    if (there.length > 0) watcher.once("ready", begin);
    else begin();
    watcher.on("all", (_event, changed) => noteChange(path.resolve(changed)));
    // Errors of single paths (a folder removed, too many watches) must not end dev.
    watcher.on("error", () => {});
  }

  function noteChange(changed: string): void {
    if (!isWanted(changed)) return;
    if (pending.size === 0) firstAt = Date.now();
    pending.add(changed);
    burst ??= beginBurst();
    clearTimeout(quiet);
    quiet = setTimeout(flush, Date.now() - firstAt > LONGEST ? 0 : QUIET);
  }

  function flush(): void {
    // Many editors empty a file and then write it: what is empty now is most likely half saved.
    if (Date.now() - firstAt <= LONGEST && [...pending].some(isEmpty)) {
      quiet = setTimeout(flush, QUIET);
      return;
    }
    const changed = [...pending].filter(isNews).sort();
    pending.clear();
    if (changed.length > 0) onChange(changed);
    endBurst();
  }

  function endBurst(): void {
    burst?.end();
    burst = undefined;
  }

  function isNews(file: string): boolean {
    if (!isGone(file)) {
      gone.delete(file);
      return true;
    }
    if (gone.has(file)) return false;
    gone.add(file);
    return true;
  }

  return {
    ready,
    get burst() {
      return burst?.promise;
    },
    set(nextFiles, nextFolders, nextNests = [], since = Number.POSITIVE_INFINITY) {
      const before = files;
      files = new Set([...nextFiles].map((file) => path.resolve(file)));
      folders = [...new Set([...nextFolders].map((folder) => path.resolve(folder)))];
      nests = [...new Set([...nextNests].map((folder) => path.resolve(folder)))];
      const added: string[] = [];
      for (const folder of [...folders, ...nests, ...[...files].map((file) => path.dirname(file))]) {
        if (watchedFolders.has(folder)) continue;
        watchedFolders.add(folder);
        added.push(folder);
        newsSince.set(folder, since);
        heard.hear(folder);
      }
      for (const file of files) {
        if (before.has(file)) continue;
        // A file newly asked for in a folder already watched was ignored until now.
        added.push(file);
        met.add(file);
        if (changeTime(file) > since) noteChange(file);
      }
      if (added.length > 0) add(added);
    },
    async close() {
      heard.close();
      clearTimeout(quiet);
      endBurst();
      await watcher?.close();
      markReady();
    },
  };
}

function beginBurst(): { promise: Promise<void>; end(): void } {
  let end = (): void => {};
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { promise, end };
}

/** Whether a file of this name is a service's config. */
export function isConfigName(file: string): boolean {
  return /^(troupe\.toml|wrangler\.(json|jsonc|toml))$/.test(path.basename(file));
}

/** Whether what was saved can change what the config says. Without a workspace anything can. */
export function touchesConfig(
  files: readonly string[],
  workspace: Workspace | undefined,
  localFiles: readonly string[] = [],
): boolean {
  if (!workspace) return true;
  return files.some(
    (file) =>
      workspace.files.includes(file) ||
      localFiles.includes(file) ||
      workspace.memberFolders.some(
        (folder) => path.dirname(file) === folder || (file.startsWith(folder + path.sep) && isConfigName(file)),
      ),
  );
}
