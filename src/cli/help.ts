/** `troupe x --help`: what a command takes, as yargs lays it out. */
import type { Options } from "yargs";
import type { Command, CommandEntry } from "../commands/command.ts";
import { COMMON_FLAGS } from "./flags.ts";
import { flagsOf } from "./parse.ts";
import { commandPattern } from "./resolve.ts";
import { createYargs } from "./yargs.ts";

/** @param width columns of the terminal */
export async function commandHelp(entry: CommandEntry, command: Command, width: number): Promise<string> {
  const pattern = commandPattern(entry.command);
  const flags = Object.fromEntries(
    Object.entries(flagsOf(command)).map(([name, options]) => [name, { ...options, describe: describe(options) }]),
  );
  const own = Object.keys(command.args ?? {});
  const common = Object.keys(COMMON_FLAGS).filter((name) => !own.includes(name));
  const positionalPart = entry.command.slice(pattern.words.join(" ").length);

  const parser = createYargs([], { flags })
    .wrap(Math.min(width, 110))
    .usage(`${entry.describe}\n\nUsage: troupe ${entry.command} [flags]`)
    // Groups are shown in the order in which they are first named; yargs fills this one itself.
    .group([], "Positionals:")
    .group(own, "Flags:")
    .group(common, "Common flags:")
    .command(`$0${positionalPart}`, false, (builder) => {
      for (const { name, ...options } of command.positionals ?? []) builder.positional(name, options);
      return builder;
    });
  for (const [line, comment] of command.examples ?? []) parser.example(line, comment);
  return parser.getHelp();
}

/** With choices and default in words; yargs' own marks say more about types than people care for. */
function describe(options: Options): string {
  const text = options.describe ?? options.description ?? options.desc ?? "";
  const parts: string[] = [];
  if (options.choices) parts.push(options.choices.join(", "));
  const shown = options.default !== undefined && typeof options.default !== "boolean" && !text.includes("default");
  if (shown) parts.push(`default: ${options.default}`);
  return parts.length > 0 ? `${text} (${parts.join("; ")})` : text;
}
