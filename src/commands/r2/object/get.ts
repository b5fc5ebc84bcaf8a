import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Command } from "../../command.ts";
import type { DataArgs } from "../../data-input.ts";
import { type Fetched, showFetched } from "../../data-output.ts";
import command from "../get.ts";
import { bucketAndKey, OBJECT } from "../spelling.ts";

interface GetArgs extends DataArgs {
  object: string;
  path?: string;
  pipe?: boolean;
}

/** Without `--pipe` the object becomes a file: `--file`, or one of its key's name. */
const object: Command<GetArgs, Fetched> = {
  args: { ...command.args, pipe: { alias: "p", type: "boolean", describe: "Print the object" } },
  positionals: [OBJECT],
  async run(args, context, emit) {
    const { binding, key } = bucketAndKey(args.object);
    const file = args.path ?? (args.pipe ? undefined : key);
    if (file !== undefined) await mkdir(path.dirname(path.resolve(context.cwd, file)), { recursive: true });
    return command.run({ ...args, binding, key, ...(file !== undefined && { path: file }) }, context, emit);
  },
  show: showFetched,
};

export default object;
