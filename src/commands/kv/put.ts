import { TroupeError } from "../../errors.ts";
import { formatBytes } from "../../lib/bytes.ts";
import { type DataPlace, runData } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection, readValue } from "../data-input.ts";

interface PutArgs extends DataArgs {
  key: string;
  value?: string;
  path?: string;
  ttl?: number;
  expiration?: number;
  metadata?: string;
}

const command: Command<PutArgs, DataPlace & { key: string; size: number }> = {
  args: {
    path: { type: "string", describe: "Read the value from this file" },
    ttl: { type: "number", describe: "Seconds until it expires" },
    expiration: { type: "number", describe: "When it expires, in seconds since the epoch" },
    metadata: { type: "string", describe: "JSON to store with it" },
    ...DATA_FLAGS,
  },
  positionals: [
    BINDING,
    { name: "key", type: "string", describe: "The key" },
    { name: "value", type: "string", describe: "The value; left out: from --path or stdin" },
  ],
  examples: [
    ["troupe kv put CACHE greeting hello", "A value from the command line"],
    ["troupe kv put CACHE logo --path logo.png -e staging", "A file, into staging's own edition"],
  ],
  async run(args, context) {
    const { key, ttl, expiration } = args;
    const metadata = args.metadata === undefined ? undefined : parseMetadata(args.metadata);
    const body = await readValue(args, context);
    const call = { verb: "put", args: { key, ttl, expiration, metadata }, body };
    const { value, place } = await runData(dataSelection(args, context), "kv", args.binding, call);
    return { ...place, ...(value as { key: string; size: number }) };
  },
  show: ({ key, size, resource }, output) => output.line(`${key} (${formatBytes(size)}) → ${resource}`),
};

function parseMetadata(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TroupeError("USAGE", `--metadata takes JSON: ${(error as Error).message}`);
  }
}

export default command;
