import { type BindingsResult, listBindings } from "../ops/bindings.ts";
import type { Command } from "./command.ts";

const command: Command<object, Pick<BindingsResult, "services">> = {
  examples: [
    ["troupe bindings", "What every service can reach, and who depends on it"],
    ["troupe bindings -e staging --json", "For a program"],
  ],
  async run(args, context) {
    const { services, warnings } = await listBindings({ ...args, cwd: context.cwd, processEnv: context.env });
    for (const warning of warnings) context.report(warning);
    return { services };
  },
  show({ services }, output) {
    const { style } = output;
    for (const service of services) {
      output.line(`${style.bold(service.service)}${style.dim(`@${service.environment}`)}`);
      if (service.bindings.length === 0) output.line(style.dim("  no bindings"));
      else {
        output.table(
          ["NAME", "KIND", "RESOURCE", "WRITTEN", "ORIGIN"],
          service.bindings.map((binding) => [
            binding.name,
            binding.title,
            binding.resource +
              (binding.target?.missing ? " (missing)" : binding.target ? ` (${binding.target.why})` : ""),
            `${output.path(binding.location.file)}:${binding.location.line}`,
            binding.origin,
          ]),
        );
      }
      for (const binding of service.bindings)
        if (binding.notLocal) output.line(style.yellow(`  ${binding.name}: ${binding.notLocal}`));
      for (const by of service.boundBy)
        output.line(`  ${style.dim("bound by")} ${by.service}@${by.environment} ${style.dim(`as ${by.binding}`)}`);
      output.line();
    }
  },
};

export default command;
