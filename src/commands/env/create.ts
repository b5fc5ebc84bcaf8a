import { createEnvironment } from "../../ops/environments.ts";
import type { Command } from "../command.ts";
import { targetSelection } from "../target-input.ts";

interface Args {
  name: string;
  from?: string;
  protected?: boolean;
}

const command: Command<Args, { environments: { service: string; name: string; protected: boolean }[] }> = {
  args: {
    from: { type: "string", describe: "The environment whose config it starts from (default: production)" },
    protected: { type: "boolean", describe: "It takes promotions only" },
  },
  positionals: [{ name: "name", type: "string", describe: "Its name" }],
  examples: [["troupe env create pr-7 --from staging", "An environment that the config need not mention"]],
  async run({ name, from, protected: isProtected, ...args }, context) {
    const options = { ...(from !== undefined && { base: from }), ...(isProtected && { protected: true }) };
    return { environments: await createEnvironment(targetSelection(args, context), name, options) };
  },
  show({ environments }, output, { target }) {
    const flag = target === undefined ? "" : ` -t ${target}`;
    for (const { service, name } of environments) {
      output.line(`${output.style.bold(`${service}@${name}`)} made; deploy to it with troupe deploy -e ${name}${flag}`);
    }
  },
};

export default command;
