import { text } from "node:stream/consumers";
import { askSecret } from "../../cli/ask.ts";
import { TroupeError } from "../../errors.ts";
import { putSecrets } from "../../ops/secrets.ts";
import type { Command } from "../command.ts";
import { type SecretResult, secretResult, showSecretResult } from "../secret-output.ts";
import { targetSelection } from "../target-input.ts";

const command: Command<{ name: string; message?: string }, SecretResult> = {
  positionals: [{ name: "name", type: "string", describe: "Its name in env" }],
  examples: [["echo $TOKEN | troupe secret put TOKEN -e staging", "The value comes from stdin, never from a flag"]],
  async run(args, context) {
    const value = context.stdin.isTTY
      ? await typed(args.name, context)
      : (await text(context.stdin)).replace(/\r?\n$/, "");
    if (value === "") throw new TroupeError("USAGE", `No value for ${args.name}: write it to stdin`);
    return secretResult(await putSecrets(targetSelection(args, context), { [args.name]: value }), context);
  },
  show: showSecretResult,
};

async function typed(name: string, context: Parameters<typeof askSecret>[0] & { interactive: boolean }) {
  if (!context.interactive) {
    throw new TroupeError("USAGE", `No value for ${name}: write it to stdin (echo … | troupe secret put ${name})`);
  }
  return askSecret(context, { message: `Value of ${name}` });
}

export default command;
