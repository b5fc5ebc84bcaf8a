import { protectEnvironment } from "../../ops/environments.ts";
import type { Command } from "../command.ts";
import { targetSelection } from "../target-input.ts";

const command: Command<{ name: string; off?: boolean }, { service: string; name: string; protected: boolean }> = {
  args: { off: { type: "boolean", describe: "Take the protection off" } },
  positionals: [{ name: "name", type: "string", names: "env", describe: "The environment" }],
  async run(args, context) {
    const info = await protectEnvironment(targetSelection(args, context), args.name, args.off !== true);
    return { service: info.service, name: info.name, protected: info.protected };
  },
  show({ service, name, protected: on }, output) {
    output.line(`${output.style.bold(`${service}@${name}`)} ${on ? "takes promotions only" : "is not protected"}`);
  },
};

export default command;
