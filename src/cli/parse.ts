/** From the flags and positionals of one command line to the arguments of its command. */
import type { Options } from "yargs";
import type { Command, CommandEntry, CommonArgs } from "../commands/command.ts";
import { TroupeError } from "../errors.ts";
import { didYouMean } from "../lib/did-you-mean.ts";
import { COMMON_FLAGS } from "./flags.ts";
import { commandPattern } from "./resolve.ts";
import { createYargs } from "./yargs.ts";

type Entry = Pick<CommandEntry, "command">;
type Flags = Pick<Command, "args" | "positionals">;
type Values = Record<string, unknown>;
type Usage = (message: string, ...notes: string[]) => TroupeError;

/** Every flag a command takes: its own over the common ones. */
export function flagsOf(command: Flags): Record<string, Options> {
  return { ...COMMON_FLAGS, ...command.args };
}

/**
 * @param rest the command line without the command's words
 * @throws TroupeError USAGE: unknown flag, missing value, wrong type or choice, too few or too many positionals
 */
export function parseArgs(entry: Entry, command: Flags, rest: readonly string[]): CommonArgs & Values {
  const flags = flagsOf(command);
  const help = ["troupe", ...commandPattern(entry.command).words, "--help"].join(" ");
  const usage: Usage = (message, ...notes) =>
    new TroupeError("USAGE", message, { notes: [...notes, `"${help}" shows how it is used`] });

  const end = rest.indexOf("--");
  const flagTokens = end < 0 ? rest : rest.slice(0, end);
  for (const token of flagTokens) {
    const unknown = unknownFlag(token, flags);
    if (unknown === undefined) continue;
    const guess = didYouMean(unknown.replace(/^--(no-)?/, ""), visibleFlags(flags));
    throw usage(`Unknown flag ${unknown}`, ...(guess ? [`did you mean --${guess}?`] : []));
  }

  const parsed = createYargs([...rest], { flags, onFailure: (message) => usage(message) }).parseSync() as Values & {
    _: (string | number)[];
  };
  checkValues(parsed, flags, usage);
  const { _: given, $0: _program, ...values } = parsed;
  return { ...values, ...positionals(entry, command, given.map(String), usage) } as CommonArgs & Values;
}

function visibleFlags(flags: Record<string, Options>): string[] {
  return Object.keys(flags).filter((name) => !flags[name]!.hidden);
}

/** The part of a token that no flag answers to: "--prot" of "--prot=3", "-x" of "-yx". */
function unknownFlag(token: string, flags: Record<string, Options>): string | undefined {
  const names = new Map<string, Options>();
  for (const [name, options] of Object.entries(flags)) {
    for (const spelling of [name, ...[options.alias ?? []].flat()]) {
      names.set(spelling, options);
      names.set(camelCase(spelling), options);
    }
  }
  if (token.startsWith("--")) {
    const name = token.slice(2).split("=", 1)[0]!;
    const positive = name.startsWith("no-") ? names.get(name.slice(3)) : undefined;
    return names.has(name) || positive?.type === "boolean" ? undefined : `--${name}`;
  }
  // A lone "-" is a file name by custom (stdin), and "-1" is a number.
  if (!token.startsWith("-") || token === "-" || /^-[\d.]/.test(token)) return undefined;
  const letters = token.slice(1).split("=", 1)[0]!;
  const wrong = [...letters].find((letter) => !names.has(letter));
  return wrong && `-${wrong}`;
}

/** What yargs lets through: a flag given twice, a number that is none or below zero, a choice that isn't one. */
function checkValues(parsed: Values, flags: Record<string, Options>, usage: Usage): void {
  for (const [name, options] of Object.entries(flags)) {
    const value = parsed[name];
    if (Array.isArray(value) && !options.array) throw usage(`--${name} is given more than once`);
    if (options.type === "number") {
      const wrong = [value].flat().find((one) => Number.isNaN(one) || Number(one) < 0);
      if (wrong !== undefined)
        throw usage(`--${name} takes a number${Number(wrong) < 0 ? ` from 0 on, not ${wrong}` : ""}`);
    }
    if (!options.choices || value === undefined) continue;
    const choices = options.choices.map(String);
    const wrong = [value].flat().find((one) => !choices.includes(String(one)));
    if (wrong === undefined) continue;
    const guess = didYouMean(String(wrong), choices);
    throw usage(
      `--${name} takes ${orList(choices)}, not "${wrong}"`,
      ...(guess ? [`did you mean --${name} ${guess}?`] : []),
    );
  }
}

function positionals(entry: Entry, command: Flags, given: string[], usage: Usage): Values {
  const pattern = commandPattern(entry.command);
  const usageLine = `usage: troupe ${entry.command}`;
  const values: Values = {};
  for (const { name, required, variadic } of pattern.positionals) {
    const taken = variadic ? given.splice(0) : given.splice(0, 1);
    if (required && taken.length === 0) throw usage(`<${name}> is missing`, usageLine);
    const spec = command.positionals?.find((candidate) => candidate.name === name);
    const typed = taken.map((text) => {
      if (spec?.type === "number" && Number.isNaN(Number(text))) throw usage(`<${name}> is a number, not "${text}"`);
      if (spec?.choices && !spec.choices.map(String).includes(text)) {
        throw usage(`<${name}> is ${orList(spec.choices.map(String))}, not "${text}"`);
      }
      return spec?.type === "number" ? Number(text) : text;
    });
    values[camelCase(name)] = variadic ? typed : (typed[0] ?? spec?.default);
  }
  if (given.length > 0) throw usage(`"${given[0]!.slice(0, 80)}" is one argument too many`, usageLine);
  return values;
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function orList(words: string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
