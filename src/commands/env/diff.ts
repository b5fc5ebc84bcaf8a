import { TroupeError } from "../../errors.ts";
import { type DiffReport, diffEnvironments } from "../../ops/diff.ts";
import type { Command } from "../command.ts";
import { showDifferences } from "../differences.ts";
import { targetSelection } from "../target-input.ts";

interface Args {
  a: string;
  b: string;
  exitCode?: boolean;
}

const command: Command<Args, { services: DiffReport[] }> = {
  args: { "exit-code": { type: "boolean", describe: "End with 6 when there is a difference" } },
  positionals: [
    { name: "a", type: "string", names: "env", describe: "An environment" },
    { name: "b", type: "string", names: "env", describe: "Another one" },
  ],
  examples: [["troupe env diff staging production --exit-code", "For a script: 0 when they are the same"]],
  async run(args, context) {
    const services = await diffEnvironments(targetSelection(args, context), args.a, args.b);
    return { services };
  },
  show({ services }, output) {
    for (const report of services) showDifferences(report, output);
  },
  failure({ services }, { exitCode, a, b }) {
    if (!exitCode || services.every(({ differences }) => differences.length === 0)) return undefined;
    return new TroupeError("PRECONDITION", `${a} and ${b} are different`);
  },
};

export default command;
