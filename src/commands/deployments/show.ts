import { showDeployment } from "../../ops/history.ts";
import type { Command } from "../command.ts";
import { targetSelection } from "../target-input.ts";

type Deployment = Awaited<ReturnType<typeof showDeployment>>;

const command: Command<{ id: string }, Deployment> = {
  positionals: [{ name: "id", type: "string", describe: "Its id, from `deployments list`" }],
  run: (args, context) => showDeployment(targetSelection(args, context), args.id),
  show({ deployment, together }, output) {
    const { style } = output;
    const { service, environment, version, action, from, author, message, createdAt, bound } = deployment;
    output.line(`${style.bold(`${service}@${environment}`)} version ${version} by ${action}`);
    const line = (what: string, value: string | undefined) =>
      value && output.line(`  ${style.dim(what.padEnd(10))} ${value}`);
    line("from", from && `${from.service}@${from.environment} version ${from.version}`);
    line("made", `${createdAt}${author ? `, ${author}` : ""}`);
    line("message", message);
    for (const [id, number] of Object.entries(bound)) line("bound", `${id} version ${number}`);
    for (const each of together) line("with", `${each.service}@${each.environment} version ${each.version}`);
  },
};

export default command;
