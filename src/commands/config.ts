import path from "node:path";
import { stringify } from "smol-toml";
import { type ConfigResult, type ResolvedService, resolveConfig } from "../ops/config.ts";
import type { Output } from "../output/output.ts";
import type { Command } from "./command.ts";

type Result = Omit<ConfigResult, "warnings">;

const command: Command<object, Result> = {
  examples: [
    ["troupe config", "What the config of production comes to"],
    ["troupe config -e staging --json", "Another environment, for a program"],
    ["troupe config explain vars.GREETING", "Where a value comes from"],
  ],
  async run(args, context) {
    const { warnings, ...result } = await resolveConfig({ ...args, cwd: context.cwd, processEnv: context.env });
    for (const warning of warnings) context.report(warning);
    return result;
  },
  show({ services, root }, output) {
    for (const [index, service] of services.entries()) {
      if (index > 0) output.line();
      showService(service, root, output);
    }
  },
};

/** As TOML that could be written like that, with what it resolves to as comments. */
function showService(service: ResolvedService, root: string, output: Output): void {
  const { style } = output;
  const comment = (text: string) => output.line(style.dim(`# ${text}`));
  const others = service.environments.filter((name) => name !== service.environment);
  comment(`${service.service}@${service.environment}, from ${path.relative(root, service.file)}`);
  if (others.length > 0) comment(`other environments: ${others.join(", ")}`);
  for (const line of stringify(service.config).trimEnd().split("\n")) {
    output.line(line.startsWith("[") ? style.bold(line) : line);
  }
  const stateful = service.bindings.filter(({ resource }) => resource);
  if (stateful.length > 0) output.line();
  for (const { name, resource, origin } of stateful) comment(`${name} → ${resource!.type} ${resource!.id} (${origin})`);
}

export default command;
