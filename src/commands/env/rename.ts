import { renameEnvironment } from "../../ops/environments.ts";
import type { EnvironmentInfo } from "../../targets/target.ts";
import type { Command } from "../command.ts";
import { FORCE, targetSelection } from "../target-input.ts";

const command: Command<{ from: string; to: string; force?: boolean }, EnvironmentInfo> = {
  args: { force: FORCE },
  positionals: [
    { name: "from", type: "string", names: "env", describe: "Its name" },
    { name: "to", type: "string", describe: "Its new name" },
  ],
  async run(args, context) {
    const selection = { ...targetSelection(args, context), force: args.force === true };
    const { environment, warnings } = await renameEnvironment(selection, args.from, args.to);
    for (const warning of warnings) context.report(warning);
    return environment;
  },
  show: ({ service, name, url, routes }, output) =>
    output.line(`${output.style.bold(`${service}@${name}`)} ${url ?? routes?.[0] ?? "is private"}`),
};

export default command;
