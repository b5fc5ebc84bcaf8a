import { listVersions, type Versions } from "../../ops/history.ts";
import type { Command } from "../command.ts";
import { ago, targetSelection } from "../target-input.ts";

const command: Command<{ limit?: number }, Versions> = {
  args: { limit: { type: "number", describe: "At most so many" } },
  run: (args, context) => listVersions(targetSelection(args, context), args.limit),
  show({ service, environment, versions }, output) {
    const { style } = output;
    output.line(style.bold(`${service}@${environment}`));
    output.table(
      ["VERSION", "", "BY", "WHEN", "GIT", "TAG", "MESSAGE"],
      versions.map((each) => [
        String(each.number),
        [each.active ? style.green("active") : "", each.percentage === undefined ? "" : `${each.percentage} %`]
          .join(" ")
          .trim(),
        each.source,
        ago(each.createdAt, new Date()),
        each.git?.commit ? `${each.git.commit.slice(0, 8)}${each.git.dirty ? "*" : ""}` : "",
        each.tag ?? "",
        each.message ?? "",
      ]),
    );
  },
};

export default command;
