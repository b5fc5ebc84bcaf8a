import { formatBytes } from "../../lib/bytes.ts";
import { type DataPlace, runData } from "../../ops/data/index.ts";
import type { Command } from "../command.ts";
import { BINDING, DATA_FLAGS, type DataArgs, dataSelection, pairsOf, readValue } from "../data-input.ts";

interface PutArgs extends DataArgs {
  key: string;
  value?: string;
  path?: string;
  contentType?: string;
  cacheControl?: string;
  contentDisposition?: string;
  contentEncoding?: string;
  contentLanguage?: string;
  metadata?: string[];
}

const command: Command<PutArgs, DataPlace & { key: string; size: number }> = {
  args: {
    path: { type: "string", alias: ["file", "f"], describe: "Read the object from this file" },
    "content-type": { type: "string", alias: "ct", describe: "Its media type" },
    "cache-control": { type: "string", alias: "cc", describe: "Its Cache-Control header" },
    "content-disposition": { type: "string", alias: "cd", describe: "Its Content-Disposition header" },
    "content-encoding": { type: "string", alias: "ce", describe: "Its Content-Encoding header" },
    "content-language": { type: "string", alias: "cl", describe: "Its Content-Language header" },
    metadata: { type: "string", array: true, describe: "KEY=VALUE to store with it" },
    ...DATA_FLAGS,
  },
  positionals: [
    BINDING,
    { name: "key", type: "string", describe: "The object's key" },
    { name: "value", type: "string", describe: "Its contents; left out: from --path or stdin" },
  ],
  examples: [["troupe r2 put FILES logo.png --path logo.png --content-type image/png", "A file"]],
  async run(args, context) {
    const { key, contentType, cacheControl, contentDisposition, contentEncoding, contentLanguage } = args;
    const body = await readValue(args, context);
    const httpMetadata = {
      ...(contentType && { contentType }),
      ...(cacheControl && { cacheControl }),
      ...(contentDisposition && { contentDisposition }),
      ...(contentEncoding && { contentEncoding }),
      ...(contentLanguage && { contentLanguage }),
    };
    const call = {
      verb: "put",
      args: { key, httpMetadata, customMetadata: pairsOf(args.metadata, "--metadata") },
      body,
    };
    const { value, place } = await runData(dataSelection(args, context), "r2", args.binding, call);
    return { ...place, ...(value as { key: string; size: number }) };
  },
  show: ({ key, size, resource }, output) => output.line(`${key} (${formatBytes(size)}) → ${resource}`),
};

export default command;
