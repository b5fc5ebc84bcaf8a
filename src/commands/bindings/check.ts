import { throwIfErrors } from "../../errors.ts";
import { type BindingsCheck, checkBindings } from "../../ops/bindings-check.ts";
import type { Command } from "../command.ts";

const command: Command<object, BindingsCheck> = {
  examples: [
    ["troupe bindings check", "Every environment of the services here"],
    ["troupe bindings check --env staging", "One environment"],
  ],
  async run(args, context) {
    const result = await checkBindings({ ...args, cwd: context.cwd, processEnv: context.env, signal: context.signal });
    for (const warning of result.diagnostics) if (warning.severity === "warning") context.report(warning);
    throwIfErrors(result.failure ?? "CONFIG", result.diagnostics);
    return result;
  },
  show({ checked }, output) {
    const count = checked.length === 1 ? checked[0] : `${checked.length} environments`;
    output.line(`${output.style.green("ok")} ${count}: everything that is bound is there`);
  },
};

export default command;
