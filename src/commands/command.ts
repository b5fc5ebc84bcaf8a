/** The shape of a command. Registration (`main.ts`) handles `--json`, errors and exit codes once for all of them. */
import type { Options, PositionalOptions } from "yargs";
import type { Context } from "../context.ts";
import type { TroupeError } from "../errors.ts";
import type { Output } from "../output/output.ts";

export interface PositionalSpec extends PositionalOptions {
  name: string;
  /** It is the name of one of these, for completion. */
  names?: "env" | "service";
}

/** One line of the command list: cheap to import, enough for `--help`. The module behind `load` holds the rest. */
export interface CommandEntry {
  /** Words and positionals in yargs' notation: "env clone <from> <to>", "init [dir]". The path spells the file: commands/env/clone.ts. */
  command: string;
  describe: string;
  aliases?: string[];
  /** Heading in `--help`. */
  group: "Develop" | "Bindings" | "Environments" | "Data" | "Inspect" | "Other";
  /** Works, but `--help` and completion leave it out. */
  hidden?: boolean;
  load(): Promise<{ default: Command<never, unknown> }>;
}

// biome-ignore lint/suspicious/noExplicitAny: yargs gives untyped arguments; each command types its own
export interface Command<Args = any, Data = unknown> {
  args?: Record<string, Options>;
  positionals?: PositionalSpec[];
  /** Example command lines with a comment, shown by `--help`. */
  examples?: [string, string][];
  /**
   * The command as it is for these words, where its flags depend on them (`bindings add kv`).
   * @param words what stands behind the command's own words, up to now without any flags
   * @throws TroupeError USAGE for words that lead nowhere
   */
  refine?(words: readonly string[]): Command<Args, Data>;
  /**
   * Does the work through `ops/` and returns data; prints nothing. Long-running commands call `emit` for each event:
   * under `--json` one object a line, each with a `reason`; else `showEvent` renders it.
   */
  run(args: Args & CommonArgs, context: Context, emit: (event: CommandEvent) => void): Promise<Data>;
  /** How the result reads for a person, on stdout. Absent for long-running commands. */
  show?(data: Data, output: Output, args: Args & CommonArgs): void;
  /** What the result comes to as an exit code, after it was shown: `env diff --exit-code`. */
  failure?(data: Data, args: Args & CommonArgs): TroupeError | undefined;
  showEvent?(event: CommandEvent, output: Output, args: Args & CommonArgs): void;
}

export interface CommandEvent {
  reason: string;
  [field: string]: unknown;
}

/** Flags that every command has. */
export interface CommonArgs {
  cwd?: string;
  config?: string[];
  env?: string;
  service?: string[];
  target?: string;
  json: boolean;
  yes: boolean;
  verbose: boolean;
  stateDir?: string;
}
