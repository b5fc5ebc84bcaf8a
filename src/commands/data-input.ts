/** What the data commands share: their flags, and where a value comes from. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Context } from "../context.ts";
import { TroupeError } from "../errors.ts";
import { whyUnreadable } from "../lib/file-error.ts";
import type { DataPlace, DataSelection } from "../ops/data/index.ts";
import type { Output } from "../output/output.ts";
import type { CommonArgs, PositionalSpec } from "./command.ts";

export const DATA_FLAGS = {
  "persist-to": { type: "string", describe: "Folder for data, if dev runs with one (default: .troupe/data/dev)" },
  deployed: { type: "boolean", describe: "Data of the deployed environment, through the running troupe serve" },
  // Wrangler's: it is always local, whatever ids a config has for previews.
  local: { type: "boolean", hidden: true },
  preview: { type: "boolean", hidden: true },
  remote: { type: "boolean", hidden: true },
} as const;

export interface DataArgs {
  binding: string;
  persistTo?: string;
  deployed?: boolean;
  remote?: boolean;
}

export const BINDING: PositionalSpec = {
  name: "binding",
  type: "string",
  describe: "The binding's name, or its resource's",
};

/** Whose data, from the flags. */
export function dataSelection(args: DataArgs & CommonArgs, context: Context): DataSelection {
  const { config, env, service, stateDir, persistTo, deployed, remote } = args;
  if (remote) {
    throw new TroupeError("USAGE", "The data commands work on this machine's data, not on Cloudflare's network", {
      notes: ["Leave --remote away; `wrangler` has the same command for the network"],
    });
  }
  if (deployed && persistTo !== undefined) {
    throw new TroupeError("USAGE", "--deployed and --persist-to are about different data: give one of them");
  }
  return { config, env, service, stateDir, persistTo, deployed, cwd: context.cwd, processEnv: context.env };
}

/**
 * A value from the command line, a file, or stdin.
 * @throws TroupeError USAGE when there is none, or two; NOT_FOUND for a file that is not there
 */
export async function readValue(given: { value?: string; path?: string }, context: Context): Promise<Uint8Array> {
  if (given.value !== undefined && given.path !== undefined)
    throw new TroupeError("USAGE", "Give a value or --path, not both");
  if (given.value !== undefined) return Buffer.from(given.value, "utf8");
  if (given.path !== undefined) {
    const file = path.resolve(context.cwd, given.path);
    return readFile(file).catch((error: NodeJS.ErrnoException) => {
      throw new TroupeError("NOT_FOUND", `Cannot read ${file}: ${whyUnreadable(error)}`, { cause: error });
    });
  }
  if (context.stdin.isTTY)
    throw new TroupeError("USAGE", "A value is missing", {
      notes: ["Give it as an argument, with --path FILE, or on stdin"],
    });
  const chunks: Uint8Array[] = [];
  for await (const chunk of context.stdin) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks);
}

/** `KEY=VALUE` flags. */
export function pairsOf(given: readonly string[] | undefined, flag: string): Record<string, string> | undefined {
  if (!given) return undefined;
  return Object.fromEntries(
    given.map((pair) => {
      const at = pair.indexOf("=");
      if (at <= 0) throw new TroupeError("USAGE", `${flag} takes KEY=VALUE, not "${pair}"`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Whose data it was, aside from the result. */
export function showPlace(output: Output, { service, environment, resource }: DataPlace): void {
  output.note(output.style.dim(`${service}@${environment}: ${resource}`));
}

/** One line on a terminal that counts up; nothing elsewhere. */
export function progressLine(context: Context, what: string): (done: number, all: number) => void {
  if (!context.stderr.isTTY || context.json) return () => {};
  return (done, all) => {
    context.stderr.write(`\r${done} of ${all} ${what}${done === all ? "\n" : ""}`);
  };
}
