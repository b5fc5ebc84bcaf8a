import { readFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { TroupeError } from "../../errors.ts";
import { parseSecrets, putSecrets } from "../../ops/secrets.ts";
import type { Command } from "../command.ts";
import { type SecretResult, secretResult, showSecretResult } from "../secret-output.ts";
import { targetSelection } from "../target-input.ts";

const command: Command<{ file?: string }, SecretResult> = {
  positionals: [{ name: "file", type: "string", describe: "JSON or .env file (default: stdin)" }],
  examples: [["troupe secret bulk secrets.json -e production", "Several at once: one new version, or none"]],
  async run(args, context) {
    const file = args.file && args.file !== "-" ? path.resolve(context.cwd, args.file) : undefined;
    const content = file ? await readFile(file, "utf8") : await text(context.stdin);
    const secrets = parseSecrets(content, file ?? "stdin");
    if (Object.keys(secrets).length === 0) throw new TroupeError("USAGE", `${file ?? "stdin"} holds no secrets`);
    return secretResult(await putSecrets(targetSelection(args, context), secrets), context);
  },
  show: showSecretResult,
};

export default command;
