import { TroupeError } from "../../errors.ts";
import { changeSettings, type SettingsReport } from "../../ops/settings.ts";
import type { Command } from "../command.ts";
import { type Change, type ChangeArgs, DRY_RUN, MESSAGE, showChanges, verbOptions } from "../target-input.ts";

interface Args extends ChangeArgs {
  name: string;
  values: string[];
}

type Result = Pick<SettingsReport, "service" | "name" | "settings"> & { deployments: Change[] };

const command: Command<Args, Result> = {
  args: { message: MESSAGE, "dry-run": DRY_RUN },
  positionals: [
    { name: "name", type: "string", names: "env", describe: "The environment" },
    { name: "values", type: "string", array: true, describe: "KEY=VALUE, with KEY as in the config" },
  ],
  examples: [["troupe env set staging vars.GREETING=hello", "A variable for this environment, over the config's"]],
  async run(args, context) {
    const set = args.values.map((text): [string, string] => {
      const at = text.indexOf("=");
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new TroupeError("USAGE", `"${text}" is no KEY=VALUE`, { notes: ["For example: vars.GREETING=hello"] });
    });
    const { results, warnings, ...rest } = await changeSettings(verbOptions(args, context), args.name, { set });
    for (const warning of warnings) context.report(warning);
    return { ...rest, deployments: results };
  },
  show: ({ deployments }, output, { dryRun }) => showChanges(deployments, output, dryRun),
};

export default command;
