/** Miniflare: loaded as fast as it can be, and kept from making itself at home in the process. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire, getCompileCacheDir } from "node:module";
import path from "node:path";
import type { Miniflare } from "miniflare";
import { loadWarm, type WarmModule } from "../lib/warm-module.ts";
import { packageFolder, UNBUNDLED } from "../package.ts";
import { reaper } from "./reaper.ts";

/** By then a start is over, and its first requests are answered, too. In ms. */
const SETTLED = 1_000;

let loaded: WarmModule | undefined;
let keeping = false;

/** As CommonJS, which it is, Miniflare loads 40 ms faster than through `import`; from one file and a warm cache, in half the time. */
export function loadMiniflare(): typeof import("miniflare") {
  if (!loaded) {
    const require = createRequire(import.meta.url);
    const installed = require.resolve("miniflare");
    const copy = bundledCopy(installed);
    loaded = copy
      ? loadWarm(installed, getCompileCacheDir?.(), { code: copy })
      : { exports: require("miniflare"), keep: () => {} };
  }
  return loaded.exports as typeof import("miniflare");
}

/** The file that scripts/build.mjs made of this version of Miniflare. Another one may be installed by an override. */
function bundledCopy(installed: string): string | undefined {
  if (UNBUNDLED) return undefined;
  const manifest = readFileSync(path.join(path.dirname(installed), "../../package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  const copy = path.join(packageFolder(), "dist", `miniflare-${version}.cjs`);
  return existsSync(copy) ? copy : undefined;
}

/** Loading Miniflare takes 110 ms of this thread: call this while others (esbuild, the file system) have work to do. */
export function preloadRuntime(): void {
  setImmediate(() => {
    try {
      loadMiniflare();
    } catch {
      // Said when it is needed.
    }
  });
}

/** Tells that a process runs: soon the cache for the next one is written, at the latest when this one ends. */
export function keepCompiled(): void {
  if (keeping) return;
  keeping = true;
  const keep = (): void => loaded?.keep();
  setTimeout(keep, SETTLED).unref();
  process.once("exit", keep);
}

/**
 * Miniflare reads the temporary folder when it is constructed, and takes hold of signals then: it must use our folder
 * (which is removed even after SIGKILL), and must not end the process before requests are drained.
 */
export function construct(make: () => Miniflare): Miniflare {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const before = new Map(signals.map((signal) => [signal, process.listeners(signal)]));
  const { TMPDIR } = process.env;
  process.env.TMPDIR = reaper().folder;
  try {
    return make();
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    for (const signal of signals) {
      for (const listener of process.listeners(signal))
        if (!before.get(signal)!.includes(listener)) process.removeListener(signal, listener);
    }
  }
}

/** What the installed runtime calls its own date; a newer one is refused by it. */
export function newestCompatibilityDate(): string {
  const fromMiniflare = createRequire(createRequire(import.meta.url).resolve("miniflare"));
  return (fromMiniflare("workerd") as { compatibilityDate: string }).compatibilityDate;
}
