import { askYesNo } from "../../cli/ask.ts";
import { TroupeError } from "../../errors.ts";
import { deleteEnvironment } from "../../ops/environments.ts";
import type { Command } from "../command.ts";
import { FORCE, targetSelection } from "../target-input.ts";

interface Args {
  name: string;
  force?: boolean;
  graph?: boolean;
}

const command: Command<Args, { environments: { service: string; name: string; deleted: true }[] }> = {
  args: {
    force: { ...FORCE, describe: "Even if it is protected or other environments bind it" },
    graph: { type: "boolean", describe: "The environment of this name of every service" },
  },
  positionals: [{ name: "name", type: "string", names: "env", describe: "The environment" }],
  examples: [["troupe env delete pr-7 --graph --yes", "All of a preview, without being asked"]],
  async run(args, context) {
    if (context.interactive && !args.yes) {
      const message = `Delete ${args.name} with its versions, secrets and data?`;
      if (!(await askYesNo(context, { message, initial: false }))) throw new TroupeError("INTERRUPTED", "cancelled");
    }
    const { force = false, graph = false } = args;
    const selection = { ...targetSelection(args, context), force, graph };
    return { environments: await deleteEnvironment(selection, args.name) };
  },
  show({ environments }, output) {
    for (const { service, name } of environments) output.line(`${output.style.bold(`${service}@${name}`)} deleted`);
  },
};

export default command;
