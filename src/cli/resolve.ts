/** From the words on the command line to a command of the list, before any command's module is loaded. */
import type { Options } from "yargs";
import type { Command, CommandEntry } from "../commands/command.ts";
import { TroupeError } from "../errors.ts";
import { didYouMean } from "../lib/did-you-mean.ts";
import { COMMON_FLAGS } from "./flags.ts";

/** "env clone <from> [to]" taken apart. */
export interface CommandPattern {
  words: string[];
  positionals: { name: string; required: boolean; variadic: boolean }[];
}

/** yargs' notation: https://github.com/yargs/yargs/blob/main/docs/advanced.md#positional-arguments */
export function commandPattern(command: string): CommandPattern {
  const words: string[] = [];
  const positionals: CommandPattern["positionals"] = [];
  for (const part of command.split(" ").filter(Boolean)) {
    const positional = /^([<[])(.+?)(\.\.)?[>\]]$/.exec(part);
    if (positional) {
      positionals.push({
        name: positional[2]!,
        required: positional[1] === "<",
        variadic: positional[3] !== undefined,
      });
    } else words.push(part);
  }
  return { words, positionals };
}

export interface Resolved {
  /** Absent when the words name no command but a group of them ("env"), or when there are no words at all. */
  entry?: CommandEntry;
  /** The words that were used up: those of the command or of the group. */
  words: string[];
  /** Everything else, in order. */
  rest: string[];
}

/**
 * Finds the command with the most words that `argv` spells. Flags of every command may stand before the words.
 * @throws TroupeError USAGE when the words lead nowhere
 */
export function resolveCommand(argv: readonly string[], entries: readonly CommandEntry[]): Resolved {
  const paths = entries.flatMap((entry) =>
    [entry.command, ...(entry.aliases ?? [])].map((name) => ({ entry, words: commandPattern(name).words })),
  );
  const words: string[] = [];
  const before: string[] = [];
  let index = 0;
  for (; index < argv.length; index++) {
    const token = argv[index]!;
    if (token === "--") break;
    if (token.startsWith("-")) {
      before.push(token);
      if (takesValue(token) && index + 1 < argv.length) before.push(argv[++index]!);
      continue;
    }
    const next = [...words, token];
    if (!paths.some((path) => startsWith(path.words, next))) break;
    words.push(token);
  }
  const entry = paths.find((path) => path.words.length === words.length && startsWith(path.words, words))?.entry;
  const rest = [...before, ...argv.slice(index)];
  const stray = argv[index];
  if (stray !== undefined && stray !== "--" && (!entry || takesNoWords(entry, words, paths))) {
    throw unknownCommand(words, stray, paths);
  }
  return { ...(entry && words.length > 0 && { entry }), words, rest };
}

/**
 * The command as it is for the words behind its own.
 * @throws TroupeError USAGE for words that lead nowhere
 */
export function refined(command: Command, rest: readonly string[]): Command {
  if (!command.refine) return command;
  const words = rest.filter((token, index) => !token.startsWith("-") && !takesValue(rest[index - 1] ?? ""));
  return command.refine(words);
}

/** The commands below a group of words: "env" → env clone, env list… Hidden ones left out. */
export function commandsBelow(words: readonly string[], entries: readonly CommandEntry[]): CommandEntry[] {
  return entries.filter((entry) => !entry.hidden && startsWith(commandPattern(entry.command).words, words));
}

function startsWith(path: readonly string[], words: readonly string[]): boolean {
  return words.length <= path.length && words.every((word, at) => word === path[at]);
}

/** Whether what stands behind a command's words can only be a command below it: "bindings ad". */
function takesNoWords(entry: CommandEntry, words: readonly string[], paths: readonly { words: string[] }[]): boolean {
  if (words.length === 0 || commandPattern(entry.command).positionals.length > 0) return false;
  return paths.some((path) => path.words.length > words.length && startsWith(path.words, words));
}

/** Whether a flag token of the common ones takes the next token as its value. */
function takesValue(token: string): boolean {
  if (!token.startsWith("-") || token.includes("=")) return false;
  const name = token.replace(/^--?/, "");
  return Object.entries<Options>(COMMON_FLAGS).some(
    ([flag, options]) => options.type === "string" && (flag === name || options.alias === name),
  );
}

function unknownCommand(
  words: string[],
  stray: string,
  paths: { entry: CommandEntry; words: string[] }[],
): TroupeError {
  const below = paths.filter((path) => path.words.length > words.length && startsWith(path.words, words));
  const visible = below.filter((path) => !path.entry.hidden);
  const next = new Set(visible.map((path) => path.words[words.length]!));
  const given = ["troupe", ...words, stray].join(" ");
  // Other programs have a command for it, and "versions" is something else.
  const guess = words.length === 0 && stray === "version" ? "--version" : didYouMean(stray, next);
  // "troupe list" is meant to be "troupe versions list" or "troupe env list": any word of a longer command will do.
  const elsewhere = visible.filter((path) => path.words.slice(words.length).includes(stray));
  const notes = guess
    ? [`did you mean "${["troupe", ...words, guess].join(" ")}"?`]
    : elsewhere.map((path) => `there is "troupe ${path.words.join(" ")}"`);
  return new TroupeError("USAGE", `There is no command "${given}"`, {
    notes: notes.length > 0 ? notes : [`"${["troupe", ...words, "--help"].join(" ")}" lists what there is`],
  });
}
