import { type Pipeline, pipeline } from "../ops/history.ts";
import type { Command } from "./command.ts";
import { targetSelection } from "./target-input.ts";

const command: Command<object, Pipeline> = {
  run: (args, context) => pipeline(targetSelection(args, context)),
  show({ stages, services }, output) {
    const { style } = output;
    output.table(
      ["SERVICE", ...stages.map((stage) => stage.toUpperCase())],
      services.map(({ service, stages: found }) => [
        style.bold(service),
        ...found.map(({ version, contentHash, promotable }) => {
          const has = version === undefined ? style.dim("nothing") : `v${version} ${contentHash!.slice(0, 8)}`;
          return promotable ? `${has} ${style.yellow(`← v${promotable.version}`)}` : has;
        }),
      ]),
    );
    for (const { service, stages: found } of services) {
      for (const { promotable, name } of found) {
        if (promotable) output.line(`troupe env promote ${promotable.from} ${name} --service ${service}`);
      }
    }
  },
};

export default command;
