import { type BindingEdit, removeBinding } from "../../ops/bindings-edit.ts";
import type { Command } from "../command.ts";
import { showEdit } from "./show-edit.ts";

const command: Command<{ name: string }, BindingEdit> = {
  positionals: [
    { name: "name", type: "string", describe: "The binding's name in env, or the queue or service of a consumer" },
  ],
  examples: [
    ["troupe bindings remove CACHE", "From the service of this folder"],
    ["troupe bindings remove CACHE --env preview", "From one environment; where it is inherited, it is unset"],
  ],
  run: (args, context) => removeBinding({ ...args, cwd: context.cwd, processEnv: context.env }),
  show: showEdit,
};

export default command;
