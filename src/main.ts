/** argv → the chosen command → exit code. Every command's `--help`, `--json`, errors and interruption are handled here, once. */
import { statSync } from "node:fs";
import path from "node:path";
import { COMMON_FLAGS } from "./cli/flags.ts";
import { commandsBelow, type Resolved, refined, resolveCommand } from "./cli/resolve.ts";
import { explainSystemError } from "./cli/system-error.ts";
import type { Command, CommonArgs } from "./commands/command.ts";
import { COMMANDS } from "./commands/index.ts";
import type { Context } from "./context.ts";
import { EXIT_CODES, TroupeError } from "./errors.ts";
import { diagnosticJson, failureJson, renderFailure } from "./output/failure.ts";
import type { Output } from "./output/output.ts";
import { renderOverview } from "./output/overview.ts";
import { createOutput } from "./output/terminal.ts";
import { VERSION } from "./package.ts";

const VERSION_FLAG = { alias: "v", type: "boolean", describe: "Show the version of troupe" } as const;

/** The outside world, before the command line has been read. */
export interface Outside
  extends Pick<
    Context,
    "cwd" | "env" | "stdin" | "stdout" | "stderr" | "now" | "fetch" | "settled" | "suspend" | "signal"
  > {
  /** Rejects with an error that nobody caught. */
  crash: Promise<never>;
}

/**
 * Runs one command line.
 * @returns the exit code (docs/cli.md); never throws
 */
export async function main(argv: readonly string[], outside: Outside): Promise<number> {
  // Read before anything is parsed: also a parse error must come as JSON if JSON was asked for.
  const flags = argv.slice(0, argv.indexOf("--") < 0 ? undefined : argv.indexOf("--"));
  const json = flags.includes("--json");
  const verbose = flags.includes("--verbose");
  // File names are shown relative to the shell's folder, not to --cwd: there they can be clicked and pasted.
  const output = createOutput(outside);
  try {
    await Promise.race([dispatch(argv, outside, output), outside.crash]);
    return interrupted(outside.signal) ? EXIT_CODES.INTERRUPTED : 0;
  } catch (thrown) {
    // Whoever aborts a request on Ctrl-C gets an AbortError back, which is no news to the user.
    if (interrupted(outside.signal) && !(thrown instanceof TroupeError)) return EXIT_CODES.INTERRUPTED;
    const error = explainSystemError(thrown);
    if (json) outside.stderr.write(`${JSON.stringify(failureJson(error))}\n`);
    else renderFailure(error, output, { verbose });
    return error instanceof TroupeError ? error.exitCode : EXIT_CODES.INTERNAL;
  }
}

/** A reader that went away (`| head`) is no interruption. */
function interrupted(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason !== "EPIPE";
}

async function dispatch(argv: readonly string[], outside: Outside, output: Output): Promise<void> {
  const [first, ...others] = argv;
  const words = first === "help" ? [...others, "--help"] : argv;
  const resolved = resolveCommand(words, COMMANDS);
  if (!resolved.entry) return overview(resolved, outside, output);
  const { default: loaded } = await resolved.entry.load();
  const command: Command = refined(loaded, resolved.rest);
  if (asksFor(resolved.rest, "help")) {
    const { commandHelp } = await import("./cli/help.ts");
    output.line(await commandHelp(resolved.entry, command, outside.stdout.columns ?? 100));
    return;
  }
  const { parseArgs } = await import("./cli/parse.ts");
  await execute(command, parseArgs(resolved.entry, command, resolved.rest), outside, output);
}

async function execute(command: Command, args: CommonArgs, outside: Outside, output: Output): Promise<void> {
  const { crash: _, ...surroundings } = outside;
  const { stdin, stdout, stderr, env } = outside;
  const cwd = workingFolder(outside.cwd, args.cwd);
  const context: Context = {
    ...surroundings,
    cwd,
    // On a dumb terminal no key but the letters means what it says, and what is drawn over is drawn below.
    interactive: stdin.isTTY === true && stdout.isTTY === true && env.TERM !== "dumb" && !env.CI && !args.json,
    json: args.json,
    verbose: args.verbose,
    report(diagnostic) {
      if (args.json) stderr.write(`${JSON.stringify(diagnosticJson(diagnostic))}\n`);
      else output.diagnostic(diagnostic);
    },
  };
  const writeLine = lineWriter(stdout);
  const data = await command.run(args, context, (event) => {
    if (args.json) writeLine(JSON.stringify(event), event.reason === "request");
    else command.showEvent?.(event, output, args);
  });
  if (data === undefined) return;
  if (args.json) stdout.write(`${JSON.stringify(data, null, stdout.isTTY ? 2 : undefined)}\n`);
  else command.show?.(data, output, args);
  const failure = command.failure?.(data, args);
  if (failure) throw failure;
}

/** Lines that can wait leave with others of their moment, in one write: a host tells thousands of requests a second. */
function lineWriter(stream: Outside["stdout"]): (line: string, canWait: boolean) => void {
  let corked = false;
  const flush = (): void => {
    if (corked) stream.uncork();
    corked = false;
  };
  return (line, canWait) => {
    if (canWait && !corked) {
      corked = true;
      stream.cork();
      setImmediate(flush);
    }
    stream.write(`${line}\n`);
    if (!canWait) flush();
  };
}

/** @throws TroupeError NOT_FOUND when `--cwd` is no folder */
function workingFolder(cwd: string, chosen: string | undefined): string {
  if (chosen === undefined) return cwd;
  const folder = path.resolve(cwd, chosen);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new TroupeError("NOT_FOUND", `There is no folder ${folder}`, { notes: ["--cwd takes an existing folder"] });
  }
  return folder;
}

/** `troupe` and `troupe env` alone, with or without `--help`. */
async function overview({ words, rest }: Resolved, outside: Outside, output: Output): Promise<void> {
  if (words.length === 0 && asksFor(rest, "version")) {
    outside.stdout.write(`${VERSION}\n`);
    return;
  }
  if (rest.some((token) => token !== "--help" && token !== "-h")) {
    const { parseArgs } = await import("./cli/parse.ts");
    parseArgs({ command: words.join(" ") }, { args: words.length === 0 ? { version: VERSION_FLAG } : {} }, rest);
  }
  const usage = words.length === 0 ? "troupe <command> [flags]" : `troupe ${words.join(" ")} <command> [flags]`;
  renderOverview(
    commandsBelow(words, COMMANDS),
    {
      title:
        words.length === 0 ? "A company of Workers that performs as one." : `Commands of troupe ${words.join(" ")}`,
      usage,
      flags: [...Object.entries(COMMON_FLAGS), ["version", VERSION_FLAG] as const].map(([name, options]) => [
        `${"alias" in options ? `-${options.alias}, ` : "    "}--${name}`,
        options.describe,
      ]),
      more: [`"troupe help <command>" says more about one of them.`],
    },
    output,
  );
}

function asksFor(rest: readonly string[], flag: "help" | "version"): boolean {
  const end = rest.indexOf("--");
  const flags = end < 0 ? rest : rest.slice(0, end);
  return flags.some((token) => token === `--${flag}` || token === `-${flag[0]}`);
}
