/** Wrangler's spellings of the kv commands: the namespace is a flag, and keys in bulk are files. */

import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Context } from "../../context.ts";
import { TroupeError } from "../../errors.ts";
import { whyUnreadable } from "../../lib/file-error.ts";
import { withoutBom } from "../../lib/without-bom.ts";
import type { Command } from "../command.ts";
import { BINDING, type DataArgs } from "../data-input.ts";

export interface NamespaceFlags {
  namespaceId?: string;
}

/** The same command, told its namespace by `--binding` or `--namespace-id`. */
export function withNamespaceFlag<Args extends DataArgs, Data>(command: Command<Args, Data>): Command<Args, Data> {
  return {
    ...command,
    args: {
      binding: { type: "string", describe: "The binding's name" },
      "namespace-id": { type: "string", describe: "The namespace's id" },
      // What is printed is the value as it is, text or not.
      text: { type: "boolean", hidden: true },
      ...command.args,
    },
    positionals: (command.positionals ?? []).filter((positional) => positional !== BINDING),
    examples: [],
    async run(args, context, emit) {
      const { binding = (args as NamespaceFlags).namespaceId } = args;
      if (binding === undefined) {
        throw new TroupeError("USAGE", "Which namespace is meant? Give --binding or --namespace-id");
      }
      return command.run({ ...args, binding }, context, emit);
    },
  };
}

/**
 * The keys in a file: a list of strings, or of objects with a `name`, as `kv key list` prints them.
 * @throws TroupeError NOT_FOUND, USAGE
 */
export async function keysIn(file: string, context: Context): Promise<string[]> {
  const full = path.resolve(context.cwd, file);
  const text = await readFile(full, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new TroupeError("NOT_FOUND", `Cannot read ${full}: ${whyUnreadable(error)}`, { cause: error });
  });
  const refuse = (message: string): never => {
    throw new TroupeError("USAGE", `${file}: ${message}; nothing was done`, {
      notes: ['The file holds a list of keys: ["a", "b"], or [{ "name": "a" }]'],
    });
  };
  let parsed: unknown;
  try {
    parsed = JSON.parse(withoutBom(text));
  } catch (error) {
    return refuse(`this is no JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(parsed)) return refuse("this is no list");
  return parsed.map((item: unknown, index) => {
    const key = typeof item === "string" ? item : (item as { name?: unknown } | null)?.name;
    return typeof key === "string" ? key : refuse(`entry ${index + 1} is no key`);
  });
}
