import { listEnvironments } from "../../ops/environments.ts";
import type { EnvironmentInfo } from "../../targets/target.ts";
import type { Command } from "../command.ts";
import { targetSelection } from "../target-input.ts";

const command: Command<object, { environments: EnvironmentInfo[] }> = {
  async run(args, context) {
    return { environments: await listEnvironments(targetSelection(args, context)) };
  },
  show({ environments }, output) {
    const { style } = output;
    if (environments.length === 0) {
      output.note("Nothing was deployed yet.");
      return;
    }
    output.table(
      ["SERVICE", "ENVIRONMENT", "VERSION", "URL", ""],
      environments.map((each) => [
        style.bold(each.service),
        each.name,
        each.version === undefined ? style.dim("none yet") : String(each.version),
        each.url ?? (each.routes?.[0] || style.dim("private")),
        each.protected ? "protected" : "",
      ]),
    );
  },
};

export default command;
