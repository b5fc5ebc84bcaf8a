import { changeSettings, type SettingsReport } from "../../ops/settings.ts";
import type { Command } from "../command.ts";
import { type Change, type ChangeArgs, DRY_RUN, MESSAGE, showChanges, verbOptions } from "../target-input.ts";

interface Args extends ChangeArgs {
  name: string;
  keys: string[];
}

type Result = Pick<SettingsReport, "service" | "name" | "settings"> & { deployments: Change[] };

const command: Command<Args, Result> = {
  args: { message: MESSAGE, "dry-run": DRY_RUN },
  positionals: [
    { name: "name", type: "string", names: "env", describe: "The environment" },
    { name: "keys", type: "string", array: true, describe: "What was set, by its key" },
  ],
  examples: [["troupe env unset staging vars.GREETING", "What the config says counts again"]],
  async run(args, context) {
    const { results, warnings, ...rest } = await changeSettings(verbOptions(args, context), args.name, {
      unset: args.keys,
    });
    for (const warning of warnings) context.report(warning);
    return { ...rest, deployments: results };
  },
  show: ({ deployments }, output, { dryRun }) => showChanges(deployments, output, dryRun),
};

export default command;
