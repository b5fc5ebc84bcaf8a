#!/usr/bin/env node
/**
 * The only place that touches `process`: argv → main() → exit code.
 * What stands here at top level must run on any Node that people may have, so that an old one gets a sentence and not
 * a syntax error; and `--version` must cost next to nothing. So everything else is imported when it is needed.
 */
import module from "node:module";
import path from "node:path";
import { packageFolder, UNBUNDLED, VERSION } from "./package.ts";

const MINIMUM_NODE = [22, 13] as const;

/** Both streams written out, then gone: a socket left open somewhere must not keep a finished command running. */
function exit(code: number): void {
  process.exitCode = code;
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
}

/** What a terminal does for Ctrl-Z, unless somebody reads its keys. */
function suspend(resumed: () => void): void {
  // The whole group, as the terminal would: npm in front, workerd behind.
  process.kill(0, "SIGTSTP");
  // No timer runs meanwhile; without a shell to go back to, nothing has stopped.
  setTimeout(resumed, RESUMES);
}

/** The signal has arrived by then, in ms. */
const RESUMES = 100;

interface Program extends Pick<typeof import("./main.ts"), "main"> {
  /** What a start needs has run. */
  settled?(): void;
  /** All has run. */
  ended?(code: number): void;
}

/** By then the first requests are answered, too. In ms. */
const SETTLED = 1_000;

/** Commands that load so many modules that all of them in one file take less: of the time of most, a fifth. */
const WARM = new Set(
  "dev serve build bindings types deploy adopt rollback rollout env versions deployments secret pipeline tail kv r2 d1 queue whoami".split(
    " ",
  ),
);

/**
 * The program: its modules, each when it is needed; or for most commands all in one file, with a warm cache of the command's
 * own (docs/runtime.md). Node finds no source map for that, so not with --verbose.
 */
async function load(argv: string[]): Promise<Program> {
  const caches = module.getCompileCacheDir?.();
  const [command = ""] = argv;
  const apart = !WARM.has(command) || argv.some((word) => ["--verbose", "--help", "-h"].includes(word));
  if (UNBUNDLED || apart || caches === undefined) return import("./main.ts");
  const { loadWarm } = await import("./lib/warm-module.ts");
  const { exports, keep } = loadWarm(path.join(packageFolder(), "dist/main.cjs"), caches, {
    name: `troupe-${command}`,
  });
  let started = false;
  return {
    main: (exports as Program).main,
    settled() {
      started = true;
      setTimeout(keep, SETTLED).unref();
    },
    ended(code) {
      // What a command needs, and not what it stumbled over.
      if (started || code === 0) keep();
    },
  };
}

/** Node 22 says of its SQLite that it may change. Who runs troupe can do nothing about that, and stderr has a form with --json. */
function withoutSqliteWarning(): void {
  const emit = process.emitWarning as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]) => {
    if (args[1] === "ExperimentalWarning" && String(args[0]).startsWith("SQLite is an experimental feature")) return;
    emit.apply(process, args);
  };
}

async function run(argv: string[]): Promise<number> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1])) {
    process.stderr.write(`troupe needs Node ${MINIMUM_NODE.join(".")} or newer; this is ${process.versions.node}\n`);
    return 2;
  }
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-v")) {
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  withoutSqliteWarning();
  module.enableCompileCache?.();
  // A stack should name the sources and not the bundle; reading the maps costs time, which only --verbose is worth.
  if (argv.includes("--verbose")) process.setSourceMapsEnabled(true);

  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      // The second one means it: whoever asks twice does not want to wait for a clean end.
      if (stop.signal.aborted) process.exit(130);
      stop.abort(signal);
    });
  }
  // `troupe … | head`: the reader has gone, so there is nothing left to do, and nobody to complain to.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      stop.abort("EPIPE");
    });
  }
  const crash = new Promise<never>((_, reject) => process.on("uncaughtException", reject));
  crash.catch(() => {});

  const { main, settled, ended } = await load(argv);
  const code = await main(argv, {
    settled,
    cwd: process.cwd(),
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    now: () => new Date(),
    fetch: (input, init) => fetch(input, init),
    suspend: process.platform === "win32" ? undefined : suspend,
    signal: stop.signal,
    crash,
  });
  ended?.(code);
  return code;
}

run(process.argv.slice(2)).then(exit, (error) => {
  process.stderr.write(`${error?.stack ?? error}\n`);
  exit(1);
});
