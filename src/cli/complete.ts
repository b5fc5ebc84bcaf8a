/** What can follow the words typed so far. The shells' scripts (completion-scripts.ts) ask for it at every Tab. */
import type { Options } from "yargs";
import type { Command, CommandEntry } from "../commands/command.ts";
import { COMMON_FLAGS } from "./flags.ts";
import { flagsOf } from "./parse.ts";
import { commandPattern, commandsBelow, type Resolved, refined, resolveCommand } from "./resolve.ts";

export interface Candidate {
  word: string;
  describe?: string;
}

/** Flags that take a name of the workspace, and whose. */
const NAMING_FLAGS = new Map([
  ["env", "env"],
  ["from", "env"],
  ["service", "service"],
] as const) as ReadonlyMap<string, "env" | "service">;

/** Names that only the workspace and its store know; asked for when a flag or a positional takes one. */
export type NamesOf = (flag: "env" | "service") => Promise<string[]>;

/**
 * @param words everything after `troupe`, the last one being the word under the cursor (maybe empty)
 * @returns nothing when the shell should offer file names
 */
export async function complete(
  words: readonly string[],
  entries: readonly CommandEntry[],
  namesOf: NamesOf,
): Promise<Candidate[]> {
  const before = words.slice(0, -1);
  const current = words.at(-1) ?? "";
  const resolved = tryResolve(before, entries);
  if (!resolved) return [];
  const command = await loadCommand(resolved);
  const flags: Record<string, Options> = command ? flagsOf(command) : COMMON_FLAGS;

  const candidates =
    (await flagValues(before.at(-1), flags, namesOf)) ??
    (current.startsWith("-")
      ? flagNames(flags)
      : [...nextWords(resolved, entries), ...(await positionalValues(resolved, command, namesOf))]);
  return candidates.filter(({ word }) => word.startsWith(current));
}

async function loadCommand({ entry, rest }: Resolved): Promise<Command | undefined> {
  const loaded: Command | undefined = (await entry?.load())?.default;
  try {
    return loaded && refined(loaded, rest);
  } catch {
    return loaded;
  }
}

function tryResolve(before: readonly string[], entries: readonly CommandEntry[]): Resolved | undefined {
  const words = before[0] === "help" ? before.slice(1) : before;
  try {
    return resolveCommand(words, entries);
  } catch {
    return undefined;
  }
}

/** When the word before is a flag that takes a value: its values, as far as they can be known. */
async function flagValues(
  previous: string | undefined,
  flags: Record<string, Options>,
  namesOf: NamesOf,
): Promise<Candidate[] | undefined> {
  if (!previous?.startsWith("-")) return undefined;
  const name = previous.replace(/^--?/, "");
  const found = Object.entries(flags).find(([flag, { alias }]) => flag === name || [alias].flat().includes(name));
  if (!found || found[1].type === "boolean") return undefined;
  const [flag, { choices }] = found;
  if (choices) return choices.map((choice) => ({ word: String(choice) }));
  const names = NAMING_FLAGS.get(flag);
  return names ? (await namesOf(names)).map((word) => ({ word })) : [];
}

function flagNames(flags: Record<string, Options>): Candidate[] {
  return Object.entries(flags)
    .filter(([, options]) => !options.hidden)
    .map(([name, options]) => ({
      word: options.type === "boolean" && options.default === true ? `--no-${name}` : `--${name}`,
      describe: options.describe,
    }));
}

function nextWords({ words, rest }: Resolved, entries: readonly CommandEntry[]): Candidate[] {
  if (rest.some((token) => !token.startsWith("-"))) return [];
  const next = new Map<string, Candidate>();
  for (const { command, describe } of commandsBelow(words, entries)) {
    const path = commandPattern(command).words;
    const word = path[words.length];
    if (word === undefined || next.has(word)) continue;
    next.set(word, { word, ...(path.length === words.length + 1 && { describe }) });
  }
  return [...next.values()];
}

/** The choices of the positional under the cursor. Flags' values are not told apart from positionals: a guess is enough here. */
async function positionalValues(
  { entry, rest }: Resolved,
  command: Command | undefined,
  namesOf: NamesOf,
): Promise<Candidate[]> {
  if (!entry || !command) return [];
  const at = rest.filter((token) => !token.startsWith("-")).length;
  const name = commandPattern(entry.command).positionals[at]?.name;
  const { choices = [], names } = command.positionals?.find((positional) => positional.name === name) ?? {};
  const words = names ? await namesOf(names) : choices;
  return words.map((word) => ({ word: String(word) }));
}
