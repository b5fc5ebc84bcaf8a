import { listSecrets } from "../../ops/secrets.ts";
import type { Command } from "../command.ts";
import { ago, targetSelection } from "../target-input.ts";

type Listed = Awaited<ReturnType<typeof listSecrets>>;

const command: Command<object, Listed> = {
  run: (args, context) => listSecrets(targetSelection(args, context)),
  show({ service, environment, secrets }, output) {
    output.line(output.style.bold(`${service}@${environment}`));
    if (secrets.length === 0) {
      output.line(output.style.dim("  no secrets"));
      return;
    }
    output.table(
      ["NAME", "FINGERPRINT", "SET"],
      secrets.map(({ name, fingerprint, createdAt }) => [
        name,
        fingerprint ?? "",
        createdAt ? ago(createdAt, new Date()) : "",
      ]),
    );
  },
};

export default command;
