import { deleteSecrets } from "../../ops/secrets.ts";
import type { Command } from "../command.ts";
import { type SecretResult, secretResult, showSecretResult } from "../secret-output.ts";
import { targetSelection } from "../target-input.ts";

const command: Command<{ names: string[] }, SecretResult> = {
  positionals: [{ name: "names", type: "string", array: true, describe: "The secrets" }],
  async run(args, context) {
    return secretResult(await deleteSecrets(targetSelection(args, context), args.names), context);
  },
  show: showSecretResult,
};

export default command;
