import { askYesNo } from "../../cli/ask.ts";
import { TroupeError } from "../../errors.ts";
import { type DeletionReport, deleteEnvironment } from "../../ops/environments.ts";
import { targetName } from "../../ops/target.ts";
import type { Command } from "../command.ts";
import { FORCE, targetSelection } from "../target-input.ts";

interface Args {
  name: string;
  force?: boolean;
  graph?: boolean;
  resources?: boolean;
}

const command: Command<Args, DeletionReport> = {
  args: {
    force: { ...FORCE, describe: "Even if it is protected or other environments bind it" },
    graph: { type: "boolean", describe: "The environment of this name of every service" },
    resources: {
      type: "boolean",
      describe: "On Cloudflare: with the KV, R2, D1, Queues and Workflows that were made for it alone",
    },
  },
  positionals: [{ name: "name", type: "string", names: "env", describe: "The environment" }],
  examples: [["troupe env delete pr-7 --graph --yes", "All of a preview, without being asked"]],
  async run(args, context) {
    const selection = targetSelection(args, context);
    const isLocal = targetName(selection) === "local";
    let { resources = false } = args;
    if (!context.interactive && !args.yes) {
      throw new TroupeError(
        "USAGE",
        `Deleting ${args.name} takes its versions and data with it, and nobody can be asked`,
        {
          notes: ["Say --yes if that is meant"],
        },
      );
    }
    if (!args.yes) {
      const message = `Delete ${args.name} with its versions${isLocal ? ", secrets and data" : " and secrets"}?`;
      if (!(await askYesNo(context, { message, initial: false }))) throw new TroupeError("INTERRUPTED", "cancelled");
      if (!isLocal && args.resources === undefined) {
        const question = "Also the KV, R2, D1, Queues and Workflows that were made for it alone, with their data?";
        resources = await askYesNo(context, { message: question, initial: false });
      }
    }
    const { force = false, graph = false } = args;
    return deleteEnvironment({ ...selection, force, graph, resources }, args.name);
  },
  show({ environments, left }, output) {
    for (const { service, name } of environments) output.line(`${output.style.bold(`${service}@${name}`)} deleted`);
    if (left.length === 0) return;
    output.line(output.style.dim("Its resources are still there:"));
    for (const what of left) output.line(`  ${what}`);
    // What was to go, and could not, says so.
    if (!left.some((what) => what.endsWith(")"))) output.line(output.style.dim("--resources would have deleted them"));
  },
};

export default command;
