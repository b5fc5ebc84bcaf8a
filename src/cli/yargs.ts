/** yargs, set up the way troupe uses it: for one command whose words have been found already. */
import yargs, { type Argv, type Options } from "yargs";

/** In yargs since 17.6, in its types not yet. */
interface WithUsageConfiguration {
  usageConfiguration(configuration: { "hide-types": boolean }): Argv;
}

export interface YargsSetup {
  flags: Record<string, Options>;
  /** Makes the error to throw from yargs' own words. */
  onFailure?(message: string): Error;
}

/** @param argv the command line without the command's words */
export function createYargs(argv: string[], { flags, onFailure }: YargsSetup): Argv {
  const program = yargs(argv) as Argv & WithUsageConfiguration;
  return (
    program
      .usageConfiguration({ "hide-types": true })
      .exitProcess(false)
      .version(false)
      .help(false)
      .scriptName("")
      .locale("en")
      .parserConfiguration({
        // `-c a dev.ts` is one config file and one positional.
        "greedy-arrays": false,
        "dot-notation": false,
        // "007" is a name.
        "parse-positional-numbers": false,
      })
      // Choices are checked in parse.ts, which can say what was meant.
      .options(Object.fromEntries(Object.entries(flags).map(([name, options]) => [name, forYargs(options)])))
      .fail((message: string | undefined, error: Error | undefined) => {
        // yargs' own complaints are YErrors; anything else is a fault in here.
        if (error && error.name !== "YError") throw error;
        const said = message ?? error?.message ?? "";
        throw onFailure?.(sentence(said)) ?? error ?? new Error(said);
      })
  );
}

/** A flag for a value needs one, unless it says otherwise (`requiresArg: false`). */
function forYargs({ choices, ...options }: Options): Options {
  const takesValue = options.type === "string" || options.type === "number" || choices !== undefined;
  return { ...(choices && { type: "string" as const }), requiresArg: takesValue && !options.array, ...options };
}

function sentence(message: string): string {
  const missing = /^Not enough arguments following: (.+)$/.exec(message);
  if (missing) return `${missing[1]!.length === 1 ? "-" : "--"}${missing[1]} needs a value`;
  return message;
}
